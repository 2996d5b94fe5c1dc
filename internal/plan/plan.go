// Package plan tells what a reload has to change: it compares the configuration
// that runs with the one that is to run, and does nothing.
package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

// ID is what a virtual router is on its network. Its name is for people alone.
type ID struct {
	Interface string
	VRID      uint8
	Family    uint8
}

// IDOf is the identity of a router.
func IDOf(r *config.Router) ID { return ID{r.Interface, r.VRID, r.Family} }

// Plan is the difference between two configurations. A router that is in none
// of its lists is not to be touched.
type Plan struct {
	Removed []config.Router // in the order of the old configuration
	Added   []config.Router // in that of the new one, as Changed
	Changed []Change
	// Untouched counts the routers that stay as they are.
	Untouched int

	// Scripts are the names of the vrrp_scripts that are to begin anew: they are
	// in both configurations and run differently. Weight is a matter of routers.
	Scripts map[string]bool
	// Static: the host's own addresses, routes and rules differ.
	Static bool
	// Groups: the vrrp_sync_groups differ.
	Groups bool
	// Watched: the files and processes that routers track differ.
	Watched bool
	// Metrics: they are to be served elsewhere, or nowhere.
	Metrics bool
	// Restart are the keywords of global_defs that have changed and that only a
	// start heeds.
	Restart []string
}

// Change is a router that is in both configurations, and not the same.
type Change struct {
	From, To config.Router
	Areas    Area
	What     []string // the keywords that differ, for people
}

// Area is a set of parts of a router, each of which is changed by itself.
type Area uint16

// The areas.
const (
	Name      Area = 1 << iota
	Machine        // what the state machine is told: priority, timers, source
	Addresses      // the addresses, and the devices that carry them
	Accept         // who may send packets to them
	Peers          // whom adverts go to and come from
	Auth           // passwords and keys
	Tracking       // what priority and faults depend on
	Notify         // who is told
	Announce       // how addresses are announced
	Routing        // routes and rules
	Split          // what is done about a split brain
	Begin          // what cannot be changed while the router runs: it begins anew
)

// Has tells whether one of the areas is in the set.
func (a Area) Has(of Area) bool { return a&of != 0 }

// Diff compares two configurations that have been validated.
func Diff(from, to *config.Config) *Plan {
	p := &Plan{Scripts: map[string]bool{}}
	old := map[ID]*config.Router{}
	for i := range from.Routers {
		old[IDOf(&from.Routers[i])] = &from.Routers[i]
	}
	stays := map[ID]bool{}
	for i := range to.Routers {
		r := &to.Routers[i]
		id := IDOf(r)
		was := old[id]
		stays[id] = was != nil
		switch {
		case was == nil:
			p.Added = append(p.Added, *r)
		default:
			c := compare(was, r)
			if c.Areas == 0 {
				p.Untouched++
				continue
			}
			p.Changed = append(p.Changed, c)
		}
	}
	for i := range from.Routers {
		if !stays[IDOf(&from.Routers[i])] {
			p.Removed = append(p.Removed, from.Routers[i])
		}
	}
	p.scripts(from, to)
	p.Static, p.Groups = !same(from.Static, to.Static), !same(from.Groups, to.Groups)
	p.Watched = !same(from.Files, to.Files) || !same(from.Processes, to.Processes)
	p.Metrics = !same(from.Global.Metrics, to.Global.Metrics)
	p.Restart = compareGlobals(&from.Global, &to.Global)
	return p
}

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool {
	return len(p.Removed)+len(p.Added)+len(p.Changed)+len(p.Scripts)+len(p.Restart) == 0 && !p.Static && !p.Groups && !p.Watched && !p.Metrics
}

// scripts finds those that would run differently: user and group are the
// script's own or those of global_defs.
func (p *Plan) scripts(from, to *config.Config) {
	old := map[string]config.Script{}
	for _, s := range from.Scripts {
		old[s.Name] = effective(s, &from.Global)
	}
	groups := from.Global.SupplementaryGroups != to.Global.SupplementaryGroups
	for _, s := range to.Scripts {
		if was, ok := old[s.Name]; ok && (groups || !same(was, effective(s, &to.Global))) {
			p.Scripts[s.Name] = true
		}
	}
}

func effective(s config.Script, g *config.Global) config.Script {
	s.Weight = config.Weight{}
	if s.Command.User == "" {
		s.Command.User, s.Command.Group = g.ScriptUser, g.ScriptGroup
	}
	return s
}

// Lines tell people what is done, one thing a line.
func (p *Plan) Lines() []string {
	var lines []string
	for _, r := range p.Removed {
		lines = append(lines, fmt.Sprintf("(%s) removed", r.Name))
	}
	for _, c := range p.Changed {
		verb := "changed"
		if c.Areas.Has(Begin) {
			verb = "begun anew"
		}
		name := c.To.Name
		if c.Areas.Has(Name) {
			name = c.From.Name + ", now " + c.To.Name
		}
		lines = append(lines, fmt.Sprintf("(%s) %s: %s", name, verb, strings.Join(c.What, ", ")))
	}
	for _, r := range p.Added {
		lines = append(lines, fmt.Sprintf("(%s) added", r.Name))
	}
	for name := range p.Scripts {
		lines = append(lines, fmt.Sprintf("vrrp_script %s begun anew", name))
	}
	slices.Sort(lines[len(lines)-len(p.Scripts):])
	if p.Groups {
		lines = append(lines, "vrrp_sync_group changed")
	}
	if p.Watched {
		lines = append(lines, "tracked files or processes changed")
	}
	if p.Static {
		lines = append(lines, "static addresses, routes and rules changed")
	}
	if p.Metrics {
		lines = append(lines, "vrrpx_metrics changed")
	}
	return lines
}
