package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// fleet is how many routers are measured: all VRIDs that there are.
const fleet = 255

// measure prints what host a, MASTER of all routers, and b, their BACKUP, use, and
// how the adverts came at b, by the stamps of its kernel program.
func measure(ctx context.Context, binary string, d, interval time.Duration, watched bool) (err error) {
	l, err := newLab(binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	start := func(h *testnet.Host, priority int, state string) (*testnet.Daemon, error) {
		daemon, err := l.start(h, testnet.VRRPX, conf(fleet, interval, func(int) int { return priority }, ""))
		if err == nil {
			err = l.await(ctx, h, state, fleet)
		}
		return daemon, err
	}
	master, err := start(l.a, 200, "MASTER")
	if err != nil {
		return err
	}
	backup, err := start(l.b, 100, "BACKUP")
	if err != nil {
		return err
	}
	if watched {
		for i, h := range []*testnet.Host{l.a, l.b} {
			if _, err := l.watch(h, sizes[i][0], sizes[i][1]); err != nil {
				return err
			}
		}
	}
	if err := pause(ctx, 5*time.Second); err != nil { // second announcements and the like
		return err
	}
	was, err := l.status(ctx, l.b)
	if err != nil {
		return err
	}
	begun, used := time.Now(), l.used(master, backup)
	if err := pause(ctx, d); err != nil {
		return err
	}
	after, wall := l.used(master, backup), time.Since(begun)
	is, err := l.status(ctx, l.b)
	if err != nil {
		return err
	}
	fmt.Printf("%d routers, adverts each %v, for %v, watched: %v\n", fleet, interval, wall.Round(time.Second), watched)
	for i, name := range []string{"daemon of the MASTER", "daemon of the BACKUP", "watch at 80x24 beside the MASTER", "watch at 200x50 beside the BACKUP"}[:len(used)] {
		fmt.Printf("  %-36s %5.2f %% of a core\n", name, 100*float64(after[i]-used[i])/float64(wall))
	}
	printGaps(was, is, begun)
	return nil
}

// used is the CPU time of the daemons and of what runs in the terminals.
func (l *lab) used(daemons ...*testnet.Daemon) (all []time.Duration) {
	for _, d := range daemons {
		all = append(all, d.CPU())
	}
	for _, t := range l.terminals {
		d, err := t.CPU()
		if err != nil {
			d = 0
		}
		all = append(all, d)
	}
	return all
}

// printGaps prints the histogram of inter-arrival times between two statuses, and the
// longest one, of all routers.
func printGaps(was, is *stats.Status, since time.Time) {
	var counts [32]uint64
	var longest, down time.Duration
	moved := 0
	for i := range is.Routers {
		r := &is.Routers[i]
		down = time.Duration(r.MasterDown)
		j := slices.IndexFunc(was.Routers, func(o stats.Router) bool { return o.Name == r.Name })
		for k := range r.Arrivals {
			counts[k] += r.Arrivals[k] - was.Routers[j].Arrivals[k]
		}
		for _, g := range []*stats.Gap{r.LongestGap, r.LongestGapToday, r.LastNearMiss} {
			if g != nil && g.At.After(since) {
				longest = max(longest, time.Duration(g.Seconds))
			}
		}
		if len(r.History) != len(was.Routers[j].History) {
			moved++
		}
	}
	var parts []string
	for k, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d from %v to %v", n, time.Duration(1<<k)*time.Microsecond, time.Duration(2<<k)*time.Microsecond))
		}
	}
	fmt.Printf("  gaps between adverts at the BACKUP: %s\n", strings.Join(parts, ", "))
	fmt.Printf("  the longest that is longer than all before: %v, of %v; routers that changed their state: %d\n", longest, down, moved)
}
