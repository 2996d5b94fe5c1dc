package interop

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// mode is a way to speak VRRP: a row of the matrix for each peer and role.
type mode struct {
	name    string
	version int
	six     bool
	// lines are those of both daemons' vrrp_instance, by keepalived's words;
	// equal and nopreempt say what they, or equal priorities, mean.
	lines     func(own, peer netip.Addr) []string
	nopreempt bool
	equal     bool // priorities, so that the higher address decides
	// unicast neighbours that do not answer ARP or NS are sent no adverts.
	unicast bool
	// heals is how much longer than to the next advert a partition may last.
	heals time.Duration
	// shows tells by an advert of ours, from its IP header on, that the mode is on.
	shows func(f []byte) bool
	// absent says for a peer why it cannot.
	absent map[testnet.Kind]string
}

// intervals: VRRPv2 counts in seconds.
func (m mode) intervals() []time.Duration {
	if m.version == 2 {
		return []time.Duration{time.Second}
	}
	return []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second}
}

func lines(l ...string) func(own, peer netip.Addr) []string {
	return func(netip.Addr, netip.Addr) []string { return l }
}

func authentication(kind string) func(own, peer netip.Addr) []string {
	return lines("authentication {", "auth_type "+kind, "auth_pass 1111", "}")
}

func unicastLines(own, peer netip.Addr) []string {
	return []string{fmt.Sprintf("unicast_src_ip %s", own), "unicast_peer {", peer.String(), "}"}
}

const (
	noAuth    = "has no authentication"
	noUnicast = "has no unicast"

	// neighbour is how long the kernel may wait before it asks for a neighbour again.
	neighbour = 2 * time.Second
	// replay: who sent less in the partition is a replay until its numbers are
	// those of the other, whose adverts keepalived counts with its own.
	replay = 6 * time.Second
)

var modes = []mode{
	{name: "v2, no authentication", version: 2,
		shows: func(f []byte) bool { return f[14+20]>>4 == 2 && f[14+20+4] == 0 }},
	{name: "v2 PASS", version: 2, lines: authentication("PASS"),
		shows:  func(f []byte) bool { return f[14+20+4] == 1 && bytes.Contains(f, []byte("1111\x00\x00\x00\x00")) },
		absent: map[testnet.Kind]string{testnet.FRR: noAuth}},
	{name: "v2 AH", version: 2, lines: authentication("AH"), heals: replay,
		shows:  func(f []byte) bool { return f[14+9] == 51 },
		absent: map[testnet.Kind]string{testnet.FRR: noAuth}},
	{name: "v3 IPv4", version: 3,
		shows: func(f []byte) bool { return f[14+20]>>4 == 3 && f[14+16] == 224 }},
	{name: "v3 IPv6", version: 3, six: true,
		shows: func(f []byte) bool { return f[14]>>4 == 6 && f[14+24] == 0xff }},
	{name: "unicast IPv4", version: 3, lines: unicastLines, unicast: true, heals: neighbour,
		shows:  func(f []byte) bool { return f[0]&1 == 0 && f[14+16] == 10 },
		absent: map[testnet.Kind]string{testnet.FRR: noUnicast}},
	{name: "unicast IPv6", version: 3, six: true, lines: unicastLines, unicast: true, heals: neighbour,
		shows:  func(f []byte) bool { return f[0]&1 == 0 && f[14+24] == 0x20 },
		absent: map[testnet.Kind]string{testnet.FRR: noUnicast}},
	{name: "use_vmac", version: 3, lines: lines("use_vmac"),
		shows: func(f []byte) bool { return bytes.Equal(f[6:12], []byte{0, 0, 0x5e, 0, 1, vrid}) }},
	{name: "nopreempt", version: 3, lines: lines("nopreempt"), nopreempt: true},
	{name: "equal priority", version: 3, equal: true, nopreempt: true},
}
