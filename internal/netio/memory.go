package netio

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// LockMemory keeps the process's pages, present and future, from being swapped
// out, each from its first use on: Go reserves far more than it uses. The
// program itself is read in at once, since a takeover runs code that has never
// run before, and pays for each page of it. It needs CAP_IPC_LOCK, or
// RLIMIT_MEMLOCK unlimited; without, it fails and locks nothing.
func LockMemory() error {
	readProgram()
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		return fmt.Errorf("mlockall (needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK): %w", err)
	}
	return nil
}

// readProgram maps the pages of the program's code. Before Linux 5.14, which
// brought MADV_POPULATE_READ, they come one by one as ever.
func readProgram() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var start, end uintptr
		var perms string
		line := lines.Text()
		if _, err := fmt.Sscanf(line, "%x-%x %s", &start, &end, &perms); err != nil {
			continue
		}
		if perms[0] == 'r' && perms[2] == 'x' && strings.HasSuffix(line, self) {
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, start, end-start, unix.MADV_POPULATE_READ)
		}
	}
}
