package load

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"
)

// Hog runs a process that keeps so much memory of its own and reads a file of
// fileSize octets again and again, a nameless one that it writes first. In a
// cgroup whose limit is little above what its processes hold, every page of the
// file must be taken from another. The kernel kills the hog before any other.
func Hog(ctx context.Context, o Options, memory, fileSize int, limit time.Duration) (*Load, error) {
	return run(ctx, o, 1, "hog", limit, func(int) []string {
		return []string{"-bytes", strconv.Itoa(memory), "-file-size", strconv.Itoa(fileSize)}
	})
}

func hog(s settings) error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) // best effort: it is the largest anyway
	// On a disk, where pages can be dropped and read again: /tmp may be memory.
	f, err := os.CreateTemp("/var/tmp", "vrrpx-bench-")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return err
	}
	mine := make([]byte, s.bytes)
	touch := func() {
		for i := 0; i < len(mine); i += 4096 {
			mine[i]++
		}
	}
	touch()
	buf := make([]byte, 256<<10)
	for written := 0; written < s.fileSize; {
		n, err := f.Write(buf)
		if err != nil {
			return fmt.Errorf("scratch file: %w", err)
		}
		written += n
	}
	// Clean pages can be taken at once; dirty ones would make the disk's speed
	// that of the test.
	if err := f.Sync(); err != nil {
		return err
	}
	ready()
	for end := time.Now().Add(s.limit); time.Now().Before(end); touch() {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		for time.Now().Before(end) {
			if _, err := f.Read(buf); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}
