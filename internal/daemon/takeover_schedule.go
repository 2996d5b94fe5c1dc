package daemon

import "github.com/vrrpx/vrrpx/internal/netio"

// Until branch policy is merged.
func (r *router) schedule(frames [][]byte, by sender, l *link) netio.Schedule {
	lease, _ := r.cfg.LeaseTime()
	return netio.Schedule{Sender: by, Frames: frames, Interval: r.machine.Config().Interval, Lease: lease, Ifindex: l.index, Down: r.machine.MasterDown()}
}
