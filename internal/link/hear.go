package link

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/vrrp"
)

// The bound of what one socket without XDP hands to the loop: that of the kernel
// program for one address.
const (
	claimEvery = 20 * time.Millisecond
	claimBurst = 8
)

// hearNeighbours opens, where XDP does not hear an interface, a socket for the ARP
// and neighbour discovery of others. Without one the watch is blind there.
func (o *Opener) hearNeighbours(l *Link) error {
	if l.kernel != nil {
		return nil
	}
	var full vrrp.Instant // of the bucket: the callback's own
	var err error
	l.neighbours, err = netio.OpenNeighbours(l.Index, func(f netio.HeldFrame) {
		at := clock.Now()
		next := max(full, at).Add(claimEvery)
		if !o.Watched(f.Addr) || next.Sub(at) > claimEvery*claimBurst {
			return
		}
		full = next
		o.Claim(at, uint32(l.Index), f)
	})
	return err
}
