package netio

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// resident is how much of the program's code is mapped, and how much there is,
// in KiB (proc_pid_smaps(5)).
func resident(t *testing.T) (rss, size int) {
	t.Helper()
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?s) r-xp [^\n]*` + regexp.QuoteMeta(self) + `\nSize: +(\d+) kB.*?\nRss: +(\d+) kB`).FindSubmatch(smaps)
	if code == nil {
		t.Fatal("no mapping of the program's code in /proc/self/smaps")
	}
	size, _ = strconv.Atoi(string(code[1]))
	rss, _ = strconv.Atoi(string(code[2]))
	return rss, size
}

func TestTheProgramIsReadIn(t *testing.T) {
	if unix.Madvise(make([]byte, os.Getpagesize()), unix.MADV_POPULATE_READ) == unix.EINVAL {
		t.Log("this kernel lacks MADV_POPULATE_READ (5.14), or the page is not aligned; the mapping decides")
	}
	before, _ := resident(t)
	readProgram()
	rss, size := resident(t)
	if rss != size {
		t.Errorf("%d of %d KiB of the program are mapped (%d before)", rss, size, before)
	}
}
