package main

import (
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// junkFrames are adverts of VRID 1 with priority 255, the best there is, as from a
// third host, each broken in one place: none may be listened to.
func junkFrames(from *testnet.Host) ([][]byte, error) {
	good, err := advertFrame(from, Routers(1, 1, 255, 10*time.Millisecond)[0])
	if err != nil {
		return nil, err
	}
	const headers = 14 + 20
	message := func(change func(m []byte) []byte) []byte {
		m := append([]byte(nil), good[headers:headers+12]...)
		return change(m)
	}
	same := func(m []byte) []byte { return m }
	ah := make([]byte, 24) // RFC 4302 section 2.2, 12 octets of ICV
	ah[0], ah[1], ah[11] = vrrp.Protocol, 4, 1
	return [][]byte{
		from.GroupFrame(from.Addr, 64, vrrp.Protocol, message(same)),                                              // TTL
		from.GroupFrame(from.Addr, 255, vrrp.Protocol, message(func(m []byte) []byte { m[6] ^= 0x55; return m })), // checksum
		foreign(from), // VRID
		from.GroupFrame(from.Addr, 255, vrrp.Protocol, message(func(m []byte) []byte { return m[:4] })),           // cut in the header
		from.GroupFrame(from.Addr, 255, vrrp.Protocol, message(func(m []byte) []byte { return m[:1] })),           // and before the VRID
		from.GroupFrame(from.Addr, 255, vrrp.ProtocolAH, append(ah, message(same)...)),                            // AH where none is configured
		from.GroupFrame(from.Addr, 255, vrrp.Protocol, message(func(m []byte) []byte { m[0] ^= 0x10; return m })), // version
		from.GroupFrame(from.Addr, 255, vrrp.Protocol, message(func(m []byte) []byte { m[3] = 200; return m })),   // more addresses than there are
	}, nil
}

// foreign is a valid advert of a router that is not here.
func foreign(from *testnet.Host) []byte {
	p := vrrp.Packet{Version: 3, VRID: 250, Priority: 255, Interval: 10 * time.Millisecond, Addrs: []netip.Addr{netip.MustParseAddr("10.99.255.1")}}
	m, err := p.Append(nil, from.Addr, netip.MustParseAddr("224.0.0.18"), vrrp.ChecksumPseudo)
	if err != nil {
		panic(err) // of constants
	}
	return from.GroupFrame(from.Addr, 255, vrrp.Protocol, m)
}
