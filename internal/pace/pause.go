package pace

import "github.com/vrrpx/vrrpx/internal/netio"

// Paused tells whether a router that has a schedule with Down has sent no advert
// for that long.
func (p *Pacer) Paused(name string) (netio.Pause, bool) { return p.thread.Paused(name) }
