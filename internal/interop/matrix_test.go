// Package interop runs vrrpx beside other people's VRRP: Debian's keepalived
// and FRRouting, in every mode that both speak, in both roles, at the intervals
// that the peer takes, each pair through one life: an election, a graceful
// stop, a return, a kill, a return, a partition of ten seconds and its end.
//
// It looks from outside, at the wire and the hosts' addresses, and checks order
// and counts; docs/interop.md is written from it.
package interop

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// fast is an interval at which a machine that is kept busy shows.
const fast = 10 * time.Millisecond

// cells are those of the matrix that can be.
func cells() (list []cell) {
	for _, peer := range []testnet.Kind{testnet.Keepalived, testnet.FRR} {
		for _, m := range modes {
			if m.absent[peer] != "" {
				continue
			}
			for _, wins := range []bool{true, false} {
				for _, interval := range m.intervals() {
					list = append(list, cell{mode: m, peer: peer, wins: wins, interval: interval})
				}
			}
		}
	}
	return list
}

func TestMatrix(t *testing.T) {
	testnet.Need(t, "root")
	var quick, slow []cell
	for _, c := range cells() {
		if c.interval == fast {
			quick = append(quick, c)
		} else {
			slow = append(slow, c)
		}
	}
	took := map[string]time.Duration{}
	run(t, quick, 2, 8, took)
	run(t, slow, 8, 14, took)
	if *update && !t.Failed() {
		writeDoc(t, took)
	}
}

// run runs cells side by side: active is how many do more than wait for the end
// of a partition, all how many there are at once.
func run(t *testing.T, list []cell, active, all int, took map[string]time.Duration) {
	turn := make(chan struct{}, active)
	for range active {
		turn <- struct{}{}
	}
	queue := make(chan cell, len(list))
	for _, c := range list {
		queue <- c
	}
	close(queue)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range all {
		wg.Go(func() {
			for c := range queue {
				t.Run(c.String(), func(t *testing.T) {
					<-turn
					defer func() { turn <- struct{}{} }()
					d := c.run(t, fmt.Sprintf("interop%d-", n), turn)
					mu.Lock()
					took[c.String()] = d
					mu.Unlock()
				})
			}
		})
	}
	wg.Wait()
}
