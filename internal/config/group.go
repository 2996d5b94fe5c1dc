package config

// SyncGroup is a vrrp_sync_group: routers that are all MASTER, all BACKUP or all
// in FAULT. What the group tracks is among what each member tracks.
type SyncGroup struct {
	Pos       Pos
	Name      string
	Members   []GroupMember // in the order of the file; each a router, and in no other group
	Notify    Notify        // without MasterHearsLower
	SMTPAlert bool          // Global.Mail is sent for it
	// TrackingWeight: weights of what a member alone tracks count
	// (sync_group_tracking_weight, once global_tracking); else they have none.
	TrackingWeight bool
}

// Names are those of its members, in the order of the file.
func (g SyncGroup) Names() (names []string) {
	for _, m := range g.Members {
		names = append(names, m.Name)
	}
	return names
}

// GroupMember names a router.
type GroupMember struct {
	Pos  Pos
	Name string
}

// groupDraft is a group as far as its block gives it. draft holds what it has in
// common with a router: programs and what is tracked.
type groupDraft struct {
	SyncGroup
	draft *draft
}

// newGroup begins a vrrp_sync_group.
func (in *interpreter) newGroup(s *statement) {
	name := s.words[1]
	in.cur = &draft{Router: Router{Pos: s.pos(), Name: name.text}, seen: map[string]Pos{}, isGroup: true}
	in.groups = append(in.groups, &groupDraft{SyncGroup{Pos: s.pos(), Name: name.text}, in.cur})
}

// group is that whose block is read.
func (in *interpreter) group() *groupDraft { return in.groups[len(in.groups)-1] }

func (in *interpreter) setMembers(s *statement) {
	g := in.group()
	for _, line := range s.block {
		for _, w := range line.words {
			g.Members = append(g.Members, GroupMember{w.pos, w.text})
		}
	}
}

func (in *interpreter) globalTracking() {
	in.group().TrackingWeight = true
	in.diags.warnf(in.cur.seen["global_tracking"], "give the vrrp_sync_group itself track_script and track_interface, or write sync_group_tracking_weight",
		"global_tracking is deprecated, in keepalived too, and means sync_group_tracking_weight")
}

// resolveGroups tells the members of their groups, and what the groups track by
// which weight. Which members there should be is for checkGroups to say.
func (in *interpreter) resolveGroups() {
	members := map[string]*draft{}
	for _, d := range in.drafts {
		members[d.Name] = d
	}
	for _, g := range in.groups {
		in.resolveTracks(g.draft)
		if g.SMTPAlert = g.draft.SMTPAlert; !g.draft.given("smtp_alert") {
			g.SMTPAlert = in.global.Mail.alerts()
		}
		owner := false
		for _, m := range g.Members {
			if d := members[m.Name]; d != nil && d.group == nil {
				d.group = g
				owner = owner || d.Priority == 255 || d.State == Master && !d.given("priority")
			}
		}
		for _, list := range [][]Track{g.draft.Scripts, g.draft.Interfaces, g.draft.Files, g.draft.Processes} {
			for i := range list {
				if t := &list[i]; owner && t.Weight.N != 0 {
					in.diags.warnf(t.Pos, "remove the weight, or use priorities below 255", "(%s) the weight of %s counts as 0: a member has priority 255, which is never adjusted",
						plain(g.Name), quote(t.Name))
					t.Weight = Weight{}
				}
			}
		}
	}
}

// trackAsGroup makes of what a member tracks what its group lets it: its own
// without weight, and the group's.
func (in *interpreter) trackAsGroup(d *draft) {
	d.Scripts = in.trackTogether(d, "track_script", d.Scripts, d.group.draft.Scripts)
	d.Interfaces = in.trackTogether(d, "track_interface", d.Interfaces, d.group.draft.Interfaces)
	d.Files = in.trackTogether(d, "track_file", d.Files, d.group.draft.Files)
	d.Processes = in.trackTogether(d, "track_process", d.Processes, d.group.draft.Processes)
}

// trackTogether is the list of one keyword of a member.
func (in *interpreter) trackTogether(d *draft, keyword string, own, all []Track) (list []Track) {
	of := map[string]bool{}
	for _, t := range all {
		of[t.Name] = true
	}
	group := quote(d.group.Name)
	for _, t := range own {
		switch {
		case of[t.Name]:
			in.diags.warnf(t.Pos, "remove it here or there", "(%s) %s %s has no effect beside that of its sync group %s", plain(d.Name), keyword, quote(t.Name), group)
		case t.Weight.N != 0 && !d.group.TrackingWeight:
			in.diags.warnf(t.Pos, "track it in the vrrp_sync_group, so that the priorities of all members change, or give the group sync_group_tracking_weight",
				"(%s) %s %s has no effect: in the sync group %s weights of one member do not count", plain(d.Name), keyword, quote(t.Name), group)
		default:
			list = append(list, t)
		}
	}
	return append(list, all...)
}

// checkGroups checks the groups against the routers.
func checkGroups(diags *diagnostics, cfg *Config) {
	routers := map[string]*Router{}
	for i := range cfg.Routers {
		routers[cfg.Routers[i].Name] = &cfg.Routers[i]
	}
	names, in := map[string]Pos{}, map[string]*SyncGroup{}
	for i := range cfg.Groups {
		g := &cfg.Groups[i]
		if g.Name == "" {
			diags.errorf(g.Pos, "", "vrrp_sync_group: expected a name")
		}
		if first, again := names[g.Name]; again {
			diags.errorf(g.Pos, "give each vrrp_sync_group a name of its own", "vrrp_sync_group %s is defined twice, first at %s", quote(g.Name), first)
		} else {
			names[g.Name] = g.Pos
		}
		if len(g.Members) == 0 {
			diags.errorf(g.Pos, "group { VI_1 VI_2 } names its members", "vrrp_sync_group %s: expected group with the names of at least two vrrp_instance", quote(g.Name))
		}
		var members []*Router
		for _, m := range g.Members {
			r, other := routers[m.Name], in[m.Name]
			switch {
			case r == nil:
				diags.errorf(m.Pos, "", "vrrp_sync_group %s: there is no vrrp_instance %s", quote(g.Name), quote(m.Name))
			case other == g:
				diags.errorf(m.Pos, "remove one of the two", "vrrp_sync_group %s: %s is given twice", quote(g.Name), quote(m.Name))
			case other != nil:
				diags.errorf(m.Pos, "a router can follow one group only: join the two groups, or remove it from one", "vrrp_sync_group %s: %s is in %s already, defined at %s",
					quote(g.Name), quote(m.Name), quote(other.Name), other.Pos)
			default:
				in[m.Name] = g
				members = append(members, r)
			}
		}
		if len(members) == 1 && len(g.Members) == 1 {
			diags.warnf(g.Pos, "add the other routers that shall move with it, or remove the group", "vrrp_sync_group %s has one member: it has nothing to keep together", quote(g.Name))
		}
		g.compare(diags, members)
	}
}

// compare tells of members that differ in what decides when they would be
// MASTER: the group is it only when all would, so the most hesitant decides.
func (g *SyncGroup) compare(diags *diagnostics, members []*Router) {
	for _, r := range members[min(1, len(members)):] {
		first := members[0]
		switch {
		case (r.Priority == 255) != (first.Priority == 255):
			diags.warnf(r.Pos, "give all members priority 255, or none", "(%s) has priority %d and %s of the same sync group %s has %d: an owner in it must wait for the others",
				plain(r.Name), r.Priority, quote(first.Name), quote(g.Name), first.Priority)
		case r.Priority != first.Priority:
			diags.reportf(Notice, r.Pos, "give the members of a group one priority on each host",
				"(%s) has priority %d and %s of the same sync group %s has %d: the group takes over only where it is the best in every member",
				plain(r.Name), r.Priority, quote(first.Name), quote(g.Name), first.Priority)
		}
		if r.Preempt != first.Preempt {
			diags.warnf(r.Pos, "write nopreempt in all members, or in none", "(%s) and %s of the same sync group %s differ in nopreempt: the group does not preempt",
				plain(r.Name), quote(first.Name), quote(g.Name))
		}
		if r.PreemptDelay != first.PreemptDelay {
			diags.reportf(Notice, r.Pos, "give all members one preempt_delay", "(%s) and %s of the same sync group %s differ in preempt_delay: the longest counts, if all can preempt",
				plain(r.Name), quote(first.Name), quote(g.Name))
		}
	}
}
