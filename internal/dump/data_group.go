package dump

import (
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
)

// wants is the state that a router would have without its group.
func (r *router) wants() string {
	if r.now.State == "BACKUP" && r.now.Waits != "" {
		return "MASTER"
	}
	return r.now.State
}

// groups lists the sync groups. keepalived has them without a heading when there
// is none.
func (t *text) groups(s *Snapshot) {
	if len(s.Config.Groups) == 0 {
		return
	}
	t.line("------< VRRP Sync groups >------")
	for _, g := range s.Config.Groups {
		i := slices.IndexFunc(s.Status.Groups, func(now stats.Group) bool { return now.Name == g.Name })
		if i < 0 {
			continue // a reload came between
		}
		faults, init := 0, 0
		for _, r := range s.Status.Routers {
			if r.Group != g.Name {
				continue
			}
			if r.State == "INIT" {
				init++
			}
			if r.State == "FAULT" && !strings.HasPrefix(r.Reason, "sync group ") { // that is for another's
				faults++
			}
		}
		t.line(" VRRP Sync Group = %s, %s", g.Name, s.Status.Groups[i].State)
		t.line("   Num member fault %d, num member init %d", faults, init)
		t.line("   VRRP member instances :")
		for _, m := range g.Members {
			t.line("     %s", m.Name)
		}
		if g.TrackingWeight {
			t.line("   sync group tracking weight set")
		}
		t.line("   Using smtp notification = %s", word(g.SMTPAlert, "yes", "no"))
		t.notified(s, &g.Notify)
	}
}

// notified lists the programs that are told of a router or group.
func (t *text) notified(s *Snapshot, n *config.Notify) {
	for _, c := range []struct {
		name string
		of   config.Command
	}{
		{"Backup", n.Backup}, {"Master", n.Master}, {"Fault", n.Fault}, {"Stop", n.Stop},
		{"Generic", n.Any}, {"Master rx lower pri", n.MasterHearsLower},
	} {
		if len(c.of.Argv) > 0 {
			t.line("   %s state transition script = %s, uid:gid %s", c.name, quoted(c.of.Argv), s.user(c.of))
		}
	}
}
