package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// sizes of terminals: the least that must do, and a large one.
var sizes = [][2]int{{80, 24}, {200, 50}}

func pictures(ctx context.Context, binary, dir string, only int) error {
	for _, n := range []int{1, 64, 255} {
		if only != 0 && n != only {
			continue
		}
		if err := show(ctx, binary, dir, n); err != nil {
			return fmt.Errorf("%d routers: %w", n, err)
		}
	}
	return nil
}

// show takes the pictures of host b with n routers: of each fifth it is the MASTER,
// of the others BACKUP.
func show(ctx context.Context, binary, dir string, n int) (err error) {
	l, err := newLab(binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	const interval = 100 * time.Millisecond
	points := filepath.Join(l.dir, "points")
	if err := os.WriteFile(points, []byte("0\n"), 0o644); err != nil {
		return err
	}
	mine := func(i int) bool { return i%5 == 4 }
	priorities := func(fifth, other int) func(int) int {
		return func(i int) int {
			if mine(i) {
				return fifth
			}
			return other
		}
	}
	tracked, lines := "", []string(nil)
	if n > 2 {
		tracked = fmt.Sprintf("track_file maintenance {\n    file %q\n    weight 1\n}\n", points)
		lines = []string{"track_file {", "maintenance", "}"}
	}
	_, err = l.start(l.a, testnet.VRRPX, conf(n, interval, priorities(100, 200), ""))
	if err != nil {
		return err
	}
	if err := l.await(ctx, l.a, "MASTER", n); err != nil {
		return err
	}
	if _, err := l.start(l.b, testnet.VRRPX, conf(n, interval, priorities(200, 100), tracked, lines...)); err != nil {
		return err
	}
	stranger := testnet.Conf(2, testnet.Instance{VRID: 77, Priority: 120, VIPs: []string{"10.99.9.77"}})
	if _, err := l.start(l.c, testnet.Keepalived, stranger); err != nil {
		return err
	}
	masters := 0
	for i := range n {
		if mine(i) {
			masters++
		}
	}
	if err := l.await(ctx, l.b, "MASTER", masters); err != nil {
		return err
	}
	for _, size := range sizes {
		if _, err := l.watch(l.b, size[0], size[1]); err != nil {
			return err
		}
	}
	return l.story(ctx, dir, n, points)
}

// pages are the others that are shown at 80x24, with so many routers.
var pages = map[int][]struct {
	name string
	keys []string
}{
	1:  {{"speakers", []string{"l"}}, {"router", []string{"Escape", "Enter"}}},
	64: {{"sorted", []string{"s", "s"}}},
}

// story has something happen before the pictures are taken: lost adverts, and, where
// there is a third router, its takeover; with one, that of the only one.
func (l *lab) story(ctx context.Context, dir string, n int, points string) error {
	mute := func(d time.Duration) error {
		if err := l.Mute("a"); err != nil {
			return err
		}
		time.Sleep(d)
		return l.Join("a")
	}
	trouble := func() error { return mute(600 * time.Millisecond) }
	if n > 2 {
		trouble = func() error { return os.WriteFile(points, []byte("110\n"), 0o644) }
	}
	steps := []func() error{
		func() error { return pause(ctx, 10*time.Second) },
		trouble,
		func() error { return pause(ctx, 6*time.Second) },
		func() error { return mute(150 * time.Millisecond) }, // so late that the narrowest GAPS shows it
		func() error { return pause(ctx, 2500*time.Millisecond) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	for i, size := range sizes {
		t := l.terminals[i]
		take := func(name string) error {
			return picture(t, filepath.Join(dir, fmt.Sprintf("%s-%dx%d.png", name, size[0], size[1])))
		}
		if err := take(fmt.Sprintf("routers-%d", n)); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		for _, p := range pages[n] {
			for _, key := range p.keys {
				if err := errors.Join(t.Keys(key), pause(ctx, 300*time.Millisecond)); err != nil {
					return err
				}
			}
			if err := errors.Join(pause(ctx, 2*time.Second), take(p.name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func picture(t *testnet.Terminal, path string) error {
	text, err := t.Styled()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(strings.Split(text, "\n"), func(s string) bool { return strings.Contains(s, "vrrpx") }) {
		return fmt.Errorf("this is not vrrpx watch:\n%s", text)
	}
	return save(path, text)
}
