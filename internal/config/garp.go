package config

import "time"

// extra reads [all] SECONDS of garp_extra_if and its like, in any order.
func (in *interpreter) extra(s *statement, least int) (e ExtraGARP, ok bool) {
	for _, w := range s.args() {
		if w.text == "all" {
			e.All = true
			continue
		}
		n, good := in.wholeNumber(w, least, int(maxGARPExtra/time.Second), " of seconds")
		if !good {
			return e, false
		}
		e.Every, ok = time.Duration(n)*time.Second, true
	}
	if !ok {
		in.diags.errorf(s.pos(), s.name()+" all 60", "%s: expected a whole number of seconds after it", s.name())
	}
	return e, ok
}

func (in *interpreter) setExtraOfRouter(s *statement) {
	if e, ok := in.extra(s, 0); ok {
		in.cur.Extra = e
		in.cur.seen["garp_extra_if"] = s.pos() // by whatever name
	}
}

func (in *interpreter) setExtraOfAll(s *statement) {
	if e, ok := in.extra(s, 1); ok {
		in.global.Extra = e
		in.seen["vrrp_garp_extra_if"] = s.pos()
	}
}

// reportExtra tells where garp_extra_if has nothing to do.
func (in *interpreter) reportExtra(d *draft) {
	if d.Extra.Every > 0 && !d.Extra.All && len(d.QuietVMACs()) == 0 {
		in.diags.warnf(in.origin(d, "garp_extra_if", "vrrp_garp_extra_if"), "garp_extra_if all N is for any other interface with an address",
			"(%s) garp_extra_if has no effect: without all it is for interfaces of virtual MACs", plain(d.Name))
	}
}
