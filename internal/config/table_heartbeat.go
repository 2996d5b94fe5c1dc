package config

// The keywords of heartbeat are vrrpx's own. A block is read into a draft of its
// own, since some of its keywords are the router's too.
var heartbeatTable = table{
	"interface":    text((*interpreter).setInterface),
	"source":       text((*interpreter).setLineSource),
	"unicast_peer": lines((*interpreter).setLinePeers),
	"unicast_ttl":  number(0, 255, func(in *interpreter, n int) { in.cur.UnicastTTL = uint8(n) }),
}

// openHeartbeat begins `heartbeat [NAME] {`.
func (in *interpreter) openHeartbeat(s *statement) {
	of := in.cur
	in.cur = &draft{Router: Defaults(), seen: map[string]Pos{}}
	in.cur.Pos, in.cur.Name = s.pos(), of.Name
	if len(s.words) > 1 {
		in.cur.lineName = s.words[1].text
	}
	of.lines = append(of.lines, in.cur)
}

func (in *interpreter) setLineSource(w word) {
	if a, ok := in.hostAddr(w, "an IP address"); ok {
		in.cur.Source, in.cur.SourcePos = a, w.pos
	}
}

// setLinePeers reads the lines of unicast_peer: IP is IP [min_ttl N] [max_ttl N].
func (in *interpreter) setLinePeers(s *statement) {
	for _, line := range s.block {
		in.name = s.name()
		if p, ok := in.linePeer(line); ok {
			in.cur.linePeers = append(in.cur.linePeers, p)
		} else {
			in.cur.badPeers = true
		}
	}
}

func (in *interpreter) linePeer(line *statement) (p LinePeer, ok bool) {
	if line.hasBlock() {
		in.diags.errorf(line.open, "", "unicast_peer: unexpected {: expected addresses")
		return p, false
	}
	w := line.words
	p.Pos, p.MaxTTL = w[0].pos, 255
	if p.Addr, ok = in.hostAddr(w[0], "an IP address, without a prefix length or zone"); !ok {
		return p, false
	}
	if len(w) < 3 || w[1].text != "is" {
		in.diags.errorf(w[0].pos, p.Addr.String()+" is ADDRESS, with the address by which this peer's adverts come on the router's own interface",
			"unicast_peer %s: expected is and the peer's first address after it", p.Addr)
		return p, false
	}
	if p.First, ok = in.hostAddr(w[2], "an IP address, without a prefix length or zone"); !ok {
		return p, false
	}
	return p, in.setTTLs(&p.Peer, w[3:])
}
