package config

import "cmp"

// crossings finds sync groups that are together on both hosts, and of which each
// host is the better in one router: neither can preempt the other.
func (p *twoHosts) crossings() {
	first := map[*groupDraft]int{} // the first router of each
	for i, a := range p.ours {
		b := p.other[i]
		if b == nil || a.group == nil {
			continue
		}
		j, known := first[a.group]
		if !known {
			first[a.group] = i
			continue
		}
		if c, d := p.ours[j], p.other[j]; b.group == d.group && cmp.Compare(c.Priority, d.Priority)*cmp.Compare(a.Priority, b.Priority) < 0 {
			p.diags.warnf(a.at("priority"), "give one host the higher priority in all members",
				"(%s) priority %d, and %d at %s; (%s) the other way about: neither host is the better in all of the sync group %s, which stays where it is until that host fails",
				plain(a.Name), a.Priority, b.Priority, b.at("priority"), plain(c.Name), quote(a.group.Name))
		}
	}
}
