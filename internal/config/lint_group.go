package config

import "cmp"

// crossed compares each router with the first of its group: each host the better
// in one of them, neither can preempt the other.
func (p *twoHosts) crossed() {
	first := map[*groupDraft]int{}
	for i, a := range p.ours {
		b := p.other[i]
		if b == nil || a.group == nil || b.group == nil {
			continue
		}
		j, known := first[a.group]
		if !known {
			first[a.group] = i
			continue
		}
		x, y := p.ours[j], p.other[j]
		if y.group == b.group && cmp.Compare(x.Priority, y.Priority)*cmp.Compare(a.Priority, b.Priority) < 0 {
			p.diags.warnf(a.at("priority"), "give one host the higher priority in all members",
				"(%s) priority %d, and %d at %s; (%s) the other way about: neither host is the better in all of the sync group %s, which stays where it is until that host fails",
				plain(a.Name), a.Priority, b.Priority, b.at("priority"), plain(x.Name), quote(a.group.Name))
		}
	}
}
