package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// logDrops is how often new drops are looked for and logged, once for all of a
// kind, and notes of one kind are logged: whatever the LAN sends, the log grows
// by some lines of a kind in a minute (row 24).
const logDrops = 10 * time.Second

// dropLog remembers the counters that were logged.
type dropLog struct {
	log  *slog.Logger
	last map[string]uint64
	near func(r *stats.Router, g *stats.Gap) // of each near miss that is news
}

// watchDrops logs what was dropped since it last looked.
func (h *host) watchDrops(ctx context.Context) {
	d := dropLog{h.log, map[string]uint64{}, h.rememberNear}
	tick := time.NewTicker(logDrops)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st, err := h.Status(ctx)
		if err != nil {
			continue // stopping, or the loop is held up: status says so to who asks
		}
		d.look(st)
	}
}

// look logs each counter that has grown since the last look. Frames for other
// routers and other VLANs are not bad, and only counted.
func (d *dropLog) look(st *stats.Status) {
	for _, i := range st.Interfaces {
		for _, name := range slices.Sorted(maps.Keys(i.Drops)) {
			if name != vrrp.DropVRID.String() && name != vrrp.DropVLAN.String() {
				d.grown(i.Name, "frames", name, i.Drops[name])
			}
		}
	}
	for _, r := range st.Routers {
		for _, name := range slices.Sorted(maps.Keys(r.Drops)) {
			d.grown("("+r.Name+")", "adverts", name, r.Drops[name])
		}
		d.missed(&r)
	}
}

func (d *dropLog) grown(where, what, name string, n uint64) {
	id := where + "/" + name
	last := d.last[id]
	d.last[id] = n
	if n > last { // less: the interface is another one now
		d.log.Warn(fmt.Sprintf("%s dropped %d %s: %s", where, n-last, what, name), "since", logDrops, "total", n)
	}
}

// missed tells of a master that was nearly taken for dead.
func (d *dropLog) missed(r *stats.Router) {
	id := r.Name + "/near"
	last := d.last[id]
	d.last[id] = r.NearMisses
	if g := r.LastNearMiss; r.NearMisses > last && g != nil {
		d.log.Warn(fmt.Sprintf("(%s) %s", r.Name, nearText(g)), "at", g.At.UTC(), "total", r.NearMisses)
		d.near(r, g)
	}
}

// nearText is a near miss in words. A gap may be above the master-down interval where
// the deadline itself was held up, with the whole host.
func nearText(g *stats.Gap) string {
	if left := stats.Seconds(g.Left()); left > 0 {
		return fmt.Sprintf("an advert of the master came %v before it would have been taken for dead: after %v of %v", left, g.Seconds, g.MasterDown)
	}
	return fmt.Sprintf("an advert of the master came after %v of %v, and it was not taken for dead: this host stood still as well", g.Seconds, g.MasterDown)
}
