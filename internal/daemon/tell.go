package daemon

import (
	"slices"

	"github.com/vrrpx/vrrpx/internal/alarm"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/vrrp"
)

// subject is the router as others are told of it.
func (r *router) subject() tell.Subject {
	return tell.Subject{
		Kind: tell.Instance, Name: r.cfg.Name, Queue: r.cfg.Name,
		Priority: r.machine.Config().Priority, Mail: r.cfg.SMTPAlert, Programs: &r.tells,
	}
}

// subject is the group, whose priority is always 0. A router may have its name.
func (g *syncGroup) subject() tell.Subject {
	return tell.Subject{
		Kind: tell.Group, Name: g.cfg.Name, Queue: "vrrp_sync_group " + g.cfg.Name, Mail: g.cfg.SMTPAlert, Programs: &g.tells,
	}
}

func (r *router) notifyState(s vrrp.State) { r.out.news.State(r.subject(), s) }

// notifyDeleted tells that a reload has removed the router.
func (r *router) notifyDeleted() { r.out.news.Deleted(r.subject()) }

// notifyLower tells that a MASTER hears a lesser one.
func (r *router) notifyLower() { r.out.news.Lower(r.subject()) }

func (r *router) tellAlarm(at vrrp.Instant, a *alarm.Alarm, begins bool) {
	r.rememberAlarm(at, a, begins)
	r.out.news.Alarm(r.subject(), at, a, begins)
}

func (r *router) tellFIFOs(event string) { r.out.news.Event(r.subject(), event) }

func (g *syncGroup) tellFIFOs(event string) { g.out.news.Event(g.subject(), event) }

// tellStates writes the states of the routers that a reload has left, as
// fifo_write_vrrp_states_on_reload has it. Those that have begun tell of it themselves.
func (h *host) tellStates(stayed []*router) {
	for _, r := range h.routers {
		if slices.Contains(stayed, r) && r.machine.State() != vrrp.Init {
			r.tellFIFOs(tell.ToldAs(r.machine.State()))
		}
	}
	for _, g := range h.groups {
		g.tellFIFOs(tell.ToldAs(g.core.State()))
	}
}

// tellPriority is called when the effective priority has changed: whoever is not
// MASTER has a BACKUP_PRIORITY, as with keepalived.
func (r *router) tellPriority() {
	switch {
	case !r.cfg.NotifyPriorityChanges || r.machine.State() == vrrp.Init:
	case r.machine.State() == vrrp.Master:
		r.tellFIFOs("MASTER_PRIORITY")
	default:
		r.tellFIFOs("BACKUP_PRIORITY")
	}
}
