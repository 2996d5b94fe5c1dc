package tell

import (
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Programs are those of one router or group, resolved; nil for none.
type Programs struct {
	Master, Backup, Fault, Stop, Any, Lower, Alarm *script.Command
	Deleted                                        *script.Command
	AsDeleted                                      bool // notify_deleted
	Fence                                          *script.Command
}

// Resolve finds the programs of one router, and the script of its split_brain
// (fence). It may block, and fails with *preflight.ProgramError.
func Resolve(p *preflight.Programs, n *config.Notify, fence config.Command) (t Programs, err error) {
	for _, c := range []struct {
		from config.Command
		to   **script.Command
	}{
		{n.Master, &t.Master}, {n.Backup, &t.Backup}, {n.Fault, &t.Fault}, {n.Stop, &t.Stop},
		{n.Any, &t.Any}, {n.MasterHearsLower, &t.Lower}, {n.Alarm, &t.Alarm}, {n.Deleted, &t.Deleted}, {fence, &t.Fence},
	} {
		if len(c.from.Argv) == 0 {
			continue
		}
		command, err := p.Command(c.from)
		if err != nil {
			return t, err
		}
		command.Outlives = true // what STOP starts shall finish
		*c.to = &command
	}
	t.AsDeleted = n.AsDeleted
	return t, nil
}

// ResolveGroups finds the programs of the groups, by their names. It may block, and
// fails likewise.
func ResolveGroups(p *preflight.Programs, all []config.SyncGroup) (map[string]Programs, error) {
	tells := map[string]Programs{}
	for i := range all {
		t, err := Resolve(p, &all[i].Notify, config.Command{})
		if err != nil {
			return nil, err
		}
		tells[all[i].Name] = t
	}
	return tells, nil
}

// of is the program of a state.
func (p *Programs) of(s vrrp.State) *script.Command {
	return map[vrrp.State]*script.Command{
		vrrp.Master: p.Master, vrrp.Backup: p.Backup, vrrp.Faulted: p.Fault, vrrp.Init: p.Stop,
	}[s]
}

// WithArgs is a program with further arguments.
func WithArgs(c *script.Command, args ...string) script.Command {
	d := *c
	d.Argv = append(slices.Clip(d.Argv), args...)
	return d
}

// ToldAs is a state as programs are told of it.
func ToldAs(s vrrp.State) string {
	if s == vrrp.Init {
		return "STOP"
	}
	return s.String()
}
