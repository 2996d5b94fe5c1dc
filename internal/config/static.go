package config

import (
	"cmp"
	"slices"
)

// Static is what the host has from the start to the end, whoever is MASTER.
type Static struct {
	Addresses []Address // static_ipaddress
	Routes    []Route   // static_routes
	Rules     []Rule    // static_rules
}

// defaultInterface is where a static address is that says nothing else.
const defaultInterface = "eth0"

var trackGroupTable = table{"group": lines((*interpreter).setTrackGroup)}

// trackGroup is a track_group: the routers that depend on the devices of the
// static things that name it.
type trackGroup struct {
	name    word
	routers []word
}

func (in *interpreter) setStaticAddresses(s *statement) {
	in.eachLine(s, "an address", func(words []word) {
		if a, ok := in.address(&statement{words: words}); ok {
			in.static.Addresses = append(in.static.Addresses, a)
		}
	})
}

func (in *interpreter) openTrackGroup(s *statement) {
	name := s.words[1]
	for _, g := range in.trackGroups {
		if g.name.text == name.text {
			in.diags.errorf(name.pos, "give each track_group a name of its own", "track_group %s is defined twice, first at %s", quote(name.text), g.name.pos)
		}
	}
	in.trackGroups = append(in.trackGroups, &trackGroup{name: name})
}

func (in *interpreter) setTrackGroup(s *statement) {
	g := in.trackGroups[len(in.trackGroups)-1]
	in.eachLine(s, "names of vrrp_instances", func(words []word) { g.routers = append(g.routers, words...) })
}

// resolveStatic says where static addresses are, and of which devices the
// routers depend: those of their own routes and rules, and those of static
// things by way of track_group. That one is down is a fault.
func (in *interpreter) resolveStatic() {
	byName, vmacs := map[string]*draft{}, map[string]bool{}
	for _, d := range in.drafts {
		for _, v := range d.VMACs {
			vmacs[v.Name] = true
		}
	}
	for _, d := range in.drafts {
		byName[d.Name] = d
		for _, r := range d.Routes {
			if !r.Loose {
				d.need(r.Devices(), vmacs)
			}
		}
		for _, r := range d.Rules {
			if !r.Loose {
				d.need(r.Devices(), vmacs)
			}
		}
	}
	for _, g := range in.trackGroups {
		if len(g.routers) == 0 {
			in.diags.warnf(g.name.pos, "group { VI_1 }", "track_group %s without a vrrp_instance has no effect", quote(g.name.text))
		}
		for _, r := range g.routers {
			if byName[r.text] == nil {
				in.diags.warnf(r.pos, "", "track_group %s: there is no vrrp_instance %s", quote(g.name.text), quote(r.text))
			}
		}
	}
	grouped := func(by word, loose bool, devices []string) {
		if by.text == "" {
			return
		}
		i := slices.IndexFunc(in.trackGroups, func(g *trackGroup) bool { return g.name.text == by.text })
		switch {
		case i < 0:
			in.diags.errorf(by.pos, "define it: track_group "+plain(by.text)+" { group { ... } }", "track_group %s: there is no such group", quote(by.text))
		case len(devices) == 0:
			in.diags.errorf(by.pos, "add dev, or remove it", "track_group %s: expected a device that the group can track", quote(by.text))
		case loose:
			in.diags.warnf(by.pos, "remove one of the two", "track_group %s has no effect beside no_track", quote(by.text))
		default:
			for _, r := range in.trackGroups[i].routers {
				if d := byName[r.text]; d != nil {
					d.need(devices, vmacs)
				}
			}
		}
	}
	for i := range in.static.Addresses {
		a := &in.static.Addresses[i]
		a.Device = cmp.Or(a.Device, in.global.defaultInterface, defaultInterface)
		grouped(a.group, a.NoTrack, []string{a.Device})
	}
	for _, r := range in.static.Routes {
		grouped(r.group, r.Loose, r.Devices()[:min(1, len(r.Devices()))])
	}
	for _, r := range in.static.Rules {
		if r.group.text != "" && r.IIF == "" {
			grouped(r.group, r.Loose, nil)
		} else {
			grouped(r.group, r.Loose, []string{r.IIF})
		}
	}
}

// need adds devices of which the router depends, but for virtual MACs, which are
// up only while their router is MASTER.
func (d *draft) need(devices []string, vmacs map[string]bool) {
	for _, name := range devices {
		if name != d.Interface && !slices.Contains(d.Needs, name) && !vmacs[name] {
			d.Needs = append(d.Needs, name)
		}
	}
}

// static checks what the host has.
func (v *validator) static(s Static, routers []Router) {
	seen := map[site]Pos{}
	for i := range routers {
		for _, a := range routers[i].All() {
			seen[a.site()] = a.Pos
		}
	}
	for _, a := range s.Addresses {
		v.address(a, a.Prefix.Addr())
		if first, again := seen[a.site()]; again {
			v.errorf(a.Pos, "remove one of the two", "%s is given twice, first at %s", a.Prefix.Addr(), first)
		}
		seen[a.site()] = a.Pos
	}
}

func (in *interpreter) setDefaultInterface(w word) {
	if !validInterface(w.text) {
		in.diags.errorf(w.pos, "", "default_interface %s: %s", quote(w.text), wantInterface)
		return
	}
	in.global.defaultInterface = w.text
}
