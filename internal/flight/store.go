package flight

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of a store: it keeps the newest files, so many and of so many octets in all.
const (
	StoreFiles = 16
	StoreBytes = 16 << 20
)

// Store is a directory with recordings that are taken by themselves. Files of other
// names in it are left alone.
type Store struct {
	Dir string // made when needed, for its owner alone
}

const (
	storePrefix = "flight-"
	storeSuffix = ".pcapng"
	storeHalf   = ".part" // of a file that is being written
	storeTime   = "20060102T150405.000000000Z"
)

// Span is how far back a recording goes, at most. One that would be longer than
// StoreBytes, of many routers that hear much, goes half as far, and so on, down to spanLeast.
const (
	Span      = 10 * time.Minute
	spanLeast = time.Second
)

// Put writes a recording of this time, about what is named, and removes the oldest for
// it. It returns the file's path. write is told how far back it is to go, and called
// again with less where it has written too much.
func (s *Store) Put(at time.Time, about string, write func(w io.Writer, span time.Duration) error) (path string, err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", err
	}
	for span := Span; ; span /= 2 {
		path, err = s.put(at, about, func(w io.Writer) error { return write(w, span) })
		if !errors.Is(err, errTooLong) || span < spanLeast {
			return path, err
		}
	}
}

func (s *Store) put(at time.Time, about string, write func(io.Writer) error) (path string, err error) {
	path = filepath.Join(s.Dir, storePrefix+at.UTC().Format(storeTime)+"-"+fileName(about)+storeSuffix)
	f, err := os.OpenFile(path+storeHalf, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", err
	}
	bounded := &bound{f, StoreBytes}
	if err = errors.Join(write(bounded), f.Close()); err == nil {
		err = os.Rename(path+storeHalf, path)
	}
	if err != nil {
		_ = os.Remove(path + storeHalf)
		return "", err
	}
	return path, s.prune(filepath.Base(path))
}

var errTooLong = fmt.Errorf("the recording is longer than %d octets", StoreBytes)

// bound fails where a file would be too long.
type bound struct {
	io.Writer
	left int
}

func (b *bound) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errTooLong
	}
	return b.Writer.Write(p)
}

// prune removes the oldest recordings, but never the fresh one, and what a process that
// was killed left half written. Those whose names sort behind the fresh one's were written by
// a clock that was wrong and has been set since: they are the oldest.
func (s *Store) prune(fresh string) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	var failed error
	files, octets := 0, int64(0)
	slices.SortStableFunc(entries, func(a, b os.DirEntry) int { // else by name, as they are
		return cmp.Compare(misdated(b.Name(), fresh), misdated(a.Name(), fresh))
	})
	for _, e := range slices.Backward(entries) {
		name := e.Name()
		if !strings.HasPrefix(name, storePrefix) || !e.Type().IsRegular() {
			continue
		}
		if strings.HasSuffix(name, storeSuffix+storeHalf) {
			failed = errors.Join(failed, remove(filepath.Join(s.Dir, name)))
			continue
		}
		info, err := e.Info()
		if !strings.HasSuffix(name, storeSuffix) || err != nil {
			continue
		}
		files++
		octets += info.Size()
		if name != fresh && (files > StoreFiles || octets > StoreBytes) {
			failed = errors.Join(failed, remove(filepath.Join(s.Dir, name)))
		}
	}
	return failed
}

func misdated(name, fresh string) int {
	if name > fresh {
		return 1
	}
	return 0
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// fileName is a name of which nothing means anything in a path.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), 64)]
}
