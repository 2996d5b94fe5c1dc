package script

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Untrusted tells who else than root could change what a path runs, and where:
// the path component, and why. It is nil when nobody can. A program that runs
// as root with such a path is a way to become root. Symbolic links are followed,
// and what they pass through is looked at as well.
func Untrusted(path string) error {
	seen := map[string]bool{}
	return untrusted(path, seen)
}

func untrusted(path string, seen map[string]bool) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s is no absolute path", path)
	}
	at := "/"
	for _, name := range strings.Split(strings.Trim(filepath.Clean(path), "/"), "/") {
		if err := loose(at); err != nil {
			return err
		}
		at = filepath.Join(at, name)
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if seen[at] {
			return fmt.Errorf("%s: %w", at, syscall.ELOOP)
		}
		seen[at] = true
		// A link's own mode says nothing: who may write to its directory decides.
		to, err := os.Readlink(at)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(at), to)
		}
		rest := strings.TrimPrefix(filepath.Clean(path), at)
		return untrusted(filepath.Join(to, rest), seen)
	}
	return loose(at)
}

// loose tells whether somebody else than root may change a file, or put
// another in its place in a directory.
func loose(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no owner to be seen", path)
	}
	mode := info.Mode()
	// In a sticky directory only the owner of a file may replace it.
	sticky := mode.IsDir() && mode&fs.ModeSticky != 0
	switch {
	case st.Uid != 0:
		return fmt.Errorf("%s belongs to user %d", path, st.Uid)
	case mode.Perm()&0o020 != 0 && st.Gid != 0 && !sticky:
		return fmt.Errorf("%s can be written by group %d", path, st.Gid)
	case mode.Perm()&0o002 != 0 && !sticky:
		return fmt.Errorf("%s can be written by everyone", path)
	}
	return nil
}
