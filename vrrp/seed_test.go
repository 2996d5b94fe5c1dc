package vrrp

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// eachSeed runs f with n random sources. A failing one is the subtest's name:
// go test ./vrrp -run 'TestRoundTrip/seed=17$' runs it again, alone. all is
// false when some were not to run, so that sums over the seeds say nothing.
func eachSeed(t *testing.T, n uint64, f func(*testing.T, *rand.Rand)) (all bool) {
	var ran uint64
	for seed := range n {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			ran++
			f(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
	return ran == n
}
