package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxKeyFile is what keepalived reads of one: hex:, two digits a byte, and
// some room for the end of the line.
const maxKeyFile = len("hex:") + 2*maxKey + 8

// key reads the file of a key, relative to the file that names it. It has to be
// a regular file that only its owner may touch. It is read here, once, so that
// `vrrpx check` finds what is wrong with it.
func (f *files) key(at Pos, path string) (string, error) {
	if f == nil {
		return "", errors.New("file: is possible in a file only")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(at.File), path)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a FIFO would wait for ever
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", quote(path), cause(err))
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot read %s: %w", quote(path), cause(err))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", quote(path))
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("%s may be opened by others than its owner (mode %04o): chmod 600", quote(path), info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(maxKeyFile)+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot read %s: %w", quote(path), cause(err))
	case len(text) > maxKeyFile:
		return "", fmt.Errorf("%s is longer than any key", quote(path))
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
