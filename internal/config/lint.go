package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// What a file may say and nobody can mean. Lints are warnings: the
// configuration runs as written. They look at the file alone; what only the
// other host's file shows is in lint_pair.go, what the host shows is for the
// daemon to say.

// lint looks at a configuration without errors.
func lint(diags *diagnostics, cfg *Config) {
	unusedScripts(diags, cfg)
	unusedTracked(diags, cfg)
	rootScripts(diags, cfg)
	untracked(diags, cfg)
	other := highestBackup(cfg)
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		deadWeights(diags, r)
		mirrored(diags, r, other)
	}
}

// weighted is all that changes the priority of a router by being well or not. A
// file does by the number in it, which may be any.
func (r *Router) weighted() (list []Track) {
	for _, all := range [][]Track{r.Scripts, r.Interfaces, r.Processes} {
		for _, t := range all {
			if t.Weight.N != 0 {
				list = append(list, t)
			}
		}
	}
	return list
}

// up and down are what a thing adds to the priority while it is well, and while
// it is not.
func (w Weight) up() int {
	if w.N < 0 {
		return 0
	}
	return w.signed()
}

func (w Weight) down() int {
	if w.N > 0 {
		return 0
	}
	return w.signed()
}

func (w Weight) signed() int {
	if w.Reverse {
		return -w.N
	}
	return w.N
}

// standing is the priority of a router when all is well, not yet clamped.
func (r *Router) standing() int {
	n := int(r.Priority)
	for _, t := range r.weighted() {
		n += t.Weight.up()
	}
	return n
}

// without is the priority when t alone fails, not yet clamped.
func (r *Router) without(t Track) int { return r.standing() - t.Weight.up() + t.Weight.down() }

// sum shows how the priority without t comes about: 150-20 = 130.
func (r *Router) sum(t Track) string {
	n := r.without(t)
	text := fmt.Sprintf("%d-%d = %d", r.standing(), t.Weight.up()-t.Weight.down(), n)
	if clampPriority(n) != n {
		text += fmt.Sprintf(", which counts as %d", clampPriority(n))
	}
	return text
}

// fails tells whether the weight is one by which a failure costs priority.
func (w Weight) fails() bool { return w.down() < w.up() }

// deadWeights finds weights that the ends of the range swallow: 240 and twice 50
// is 254 with one of them and with both.
func deadWeights(diags *diagnostics, r *Router) {
	if r.Priority == 255 {
		return // which has been said
	}
	for _, t := range r.weighted() {
		best, left := r.standing(), r.without(t)
		if t.Weight.fails() && clampPriority(best) == clampPriority(left) {
			diags.warnf(t.Pos, "lower the priority, or the weights, so that the sum stays below 255",
				"(%s) that %s alone fails changes nothing: the priority is %d before and after, since %d and %d are both outside 1 to 254",
				plain(r.Name), quote(t.Name), clampPriority(best), best, left)
		}
	}
}

// unusedScripts finds check scripts that never run.
func unusedScripts(diags *diagnostics, cfg *Config) {
	used := map[string]bool{}
	for _, r := range cfg.Routers {
		for _, t := range r.Scripts {
			used[t.Name] = true
		}
	}
	for _, s := range cfg.Scripts {
		if !used[s.Name] {
			diags.warnf(s.Pos, "track_script { "+plain(s.Name)+" } in each vrrp_instance that depends on it", "vrrp_script %s never runs: no router tracks it", quote(s.Name))
		}
	}
}

// rootScripts tells, as keepalived does, of scripts that run as root unguarded.
func rootScripts(diags *diagnostics, cfg *Config) {
	if cfg.Global.ScriptSecurity || cfg.Global.ScriptUser != "" {
		return
	}
	for _, s := range cfg.Scripts {
		if s.Command.User == "" {
			diags.reportf(Notice, s.Command.Pos, "enable_script_security in global_defs refuses a script that others could change; script_user NAME runs it as somebody else",
				"scripts run as root, unless the host has a user keepalived_script, whoever can change them")
			return
		}
	}
}

// untracked finds routers that go on when what the others track fails, and are
// in no sync group with one of these.
func untracked(diags *diagnostics, cfg *Config) {
	follows := map[string]bool{}
	tracks := map[string]bool{}
	for _, r := range cfg.Routers {
		tracks[r.Name] = len(r.Scripts)+len(r.Interfaces)+len(r.Processes)+len(r.Files) > 0
	}
	for _, g := range cfg.Groups {
		one := slices.ContainsFunc(g.Members, func(m GroupMember) bool { return tracks[m.Name] })
		for _, m := range g.Members {
			follows[m.Name] = one
		}
	}
	var names []string
	var first Pos
	tracked := false
	for i := range cfg.Routers {
		r := &cfg.Routers[i]
		tracked = tracked || len(r.Scripts) > 0
		if tracks[r.Name] || follows[r.Name] {
			continue
		}
		if len(names) == 0 {
			first = r.Pos
		}
		names = append(names, plain(r.Name))
	}
	if !tracked || len(names) == 0 {
		return
	}
	const most = 4
	if n := len(names) - most; n > 0 {
		names = append(names[:most], fmt.Sprintf("and %d more", n))
	}
	diags.reportf(Notice, first, "track_script in every vrrp_instance that depends on a script",
		"%s: no script is tracked, though others here do: these addresses stay whatever fails", strings.Join(names, ", "))
}

// mirrored looks at the weights of a file for two hosts of which each is MASTER
// of what the other backs up. The other file is then this one with the roles
// exchanged, and so says what the other host has: highestBackup's priority.
func mirrored(diags *diagnostics, r, other *Router) {
	if other == nil || r.State != Master || r.Priority == 255 {
		return
	}
	theirs := *r
	theirs.Priority = other.Priority
	for _, t := range r.weighted() {
		left, best := clampPriority(r.without(t)), clampPriority(theirs.standing())
		if !t.Weight.fails() || left < best || clampPriority(r.standing()) == left {
			continue
		}
		diags.warnf(t.Pos, "use a weight above the difference of the two priorities, which is "+strconv.Itoa(int(r.Priority)-int(other.Priority))+"; vrrpx check --peer FILE reads the other host's file",
			"(%s) when %s alone fails nothing moves: %s, not below the %d that the other host has if it mirrors this file, with priority %d as %s",
			plain(r.Name), quote(t.Name), r.sum(t), best, other.Priority, plain(other.Name))
	}
}

// highestBackup is the router in state BACKUP with the highest priority; nil
// when one in state MASTER has not more, or there are not both.
func highestBackup(cfg *Config) (found *Router) {
	lowest := 256
	for i := range cfg.Routers {
		switch r := &cfg.Routers[i]; {
		case r.State == Master:
			lowest = min(lowest, int(r.Priority))
		case found == nil || r.Priority > found.Priority:
			found = r
		}
	}
	if found == nil || int(found.Priority) >= lowest {
		return nil
	}
	return found
}
