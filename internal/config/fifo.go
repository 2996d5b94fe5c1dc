package config

import (
	"path/filepath"
	"strings"
)

// FIFO is a named pipe to which a line is written for each transition.
type FIFO struct {
	Pos  Pos
	Path string // absolute; empty: none
	// User and Group own it if it has to be made; script_user where empty.
	User, Group string
	Script      Command // reads it, with Path as its last argument; no Argv: none
}

// setFIFO reads notify_fifo or vrrp_notify_fifo.
func (in *interpreter) setFIFO(f *FIFO, s *statement) {
	w := s.words[1]
	if !filepath.IsAbs(w.text) || strings.HasSuffix(w.text, "/") {
		in.diags.errorf(w.pos, "write its whole path: /run/vrrpx.fifo", "%s %s: expected the absolute path of a FIFO", s.name(), quote(w.text))
		return
	}
	f.Pos, f.Path = w.pos, filepath.Clean(w.text)
	f.User, f.Group = "", ""
	for i, to := range []*string{&f.User, &f.Group} {
		if len(s.words) > 2+i {
			*to = s.words[2+i].text
		}
	}
}

// resolveFIFOs drops what would be written twice, or have nothing to read.
func (in *interpreter) resolveFIFOs() {
	all, vrrp := &in.global.NotifyFIFO, &in.global.VRRPNotifyFIFO
	if all.Path != "" && all.Path == vrrp.Path {
		in.diags.warnf(vrrp.Pos, "remove one of the two", "vrrp_notify_fifo %s has no effect: notify_fifo names it too", quote(vrrp.Path))
		*vrrp = FIFO{}
	}
	for i, f := range []*FIFO{all, vrrp} {
		if name := [...]string{"notify_fifo", "vrrp_notify_fifo"}[i]; f.Path == "" && len(f.Script.Argv) > 0 {
			in.diags.warnf(f.Script.Pos, "add "+name, "%s_script has no effect without %s", name, name)
			f.Script = Command{}
		}
	}
}
