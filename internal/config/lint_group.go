package config

import "cmp"

// groups compares which routers are together on the two hosts, and whether one
// host is the better in all that are.
func (p *twoHosts) groups() {
	first := map[*groupDraft]int{} // the first router of each
	for i, a := range p.ours {
		b := p.other[i]
		if b == nil {
			continue
		}
		if _, known := first[a.group]; !known {
			first[a.group] = i
		}
		switch {
		case (a.group == nil) != (b.group == nil):
			in, out := a, b
			if a.group == nil {
				in, out = b, a
			}
			p.diags.warnf(in.Pos, "write the same vrrp_sync_group on both hosts", "(%s) is in the sync group %s, and alone on the other host, at %s: there it moves without the others",
				plain(in.Name), quote(in.group.Name), out.Pos)
		case a.group != nil:
			p.crossed(first[a.group], i)
		}
	}
}

// crossed compares a router with the first of its group: each host the better in
// one of them, neither can preempt the other.
func (p *twoHosts) crossed(j, i int) {
	a, b, first, firstThere := p.ours[i], p.other[i], p.ours[j], p.other[j]
	if b.group != firstThere.group {
		p.diags.warnf(a.Pos, "write the same vrrp_sync_group on both hosts", "(%s) and (%s) are in one sync group, and not on the other host, at %s", plain(first.Name), plain(a.Name), b.Pos)
		return
	}
	if cmp.Compare(first.Priority, firstThere.Priority)*cmp.Compare(a.Priority, b.Priority) < 0 {
		p.diags.warnf(a.at("priority"), "give one host the higher priority in all members",
			"(%s) priority %d, and %d at %s; (%s) the other way about: neither host is the better in all of the sync group %s, which stays where it is until that host fails",
			plain(a.Name), a.Priority, b.Priority, b.at("priority"), plain(first.Name), quote(a.group.Name))
	}
}
