package netio

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// A question asks a LAN whether anybody holds an address, in a way that changes
// nothing in anybody's caches: by an ARP probe (RFC 5227 section 1.1), whose
// sender address is 0.0.0.0, or a neighbour solicitation. It bears a Claim where
// hosts that do not know it do not look: behind the ARP packet, as an
// option of RFC 4727 in the solicitation, which RFC 4861 section 4.6 has them
// ignore.

// Claim says who asks a question.
type Claim struct {
	VRID, Priority uint8
	Holds          bool       // it is MASTER, and holds the address
	Yields         bool       // it is about to give the address up to the other holder
	MayYield       bool       // it would, to a better one
	From           netip.Addr // its primary address; not valid for none
}

// The claim as it stands in a frame: "vrpx", a version, VRID, priority, flags, and
// the address, an IPv4 one mapped into IPv6 (RFC 4291 section 2.5.5.2).
const (
	claimMagic   = 0x76727078 // CLAIM_MAGIC in bpf/abi.h
	claimVersion = 1
	claimHead    = 8
	claimLen     = claimHead + 16
	claimOption  = 253 // ND_CLAIM in bpf/conflict.h

	claimHolds  = 1
	claimYields = 2
	claimMay    = 4

	arpLen = 28
	ndLen  = 24 // type, code, checksum, flags and target
)

func (c Claim) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, claimMagic)
	var flags byte
	if c.Holds {
		flags |= claimHolds
	}
	if c.Yields {
		flags |= claimYields
	}
	if c.MayYield {
		flags |= claimMay
	}
	b = append(b, claimVersion, c.VRID, c.Priority, flags)
	from := netip.IPv6Unspecified().As16()
	if c.From.IsValid() {
		from = c.From.As16()
	}
	return append(b, from[:]...)
}

func parseClaim(b []byte) (c Claim, ok bool) {
	if len(b) < claimLen || binary.BigEndian.Uint32(b) != claimMagic || b[4] != claimVersion {
		return c, false
	}
	c = Claim{VRID: b[5], Priority: b[6], Holds: b[7]&claimHolds != 0, Yields: b[7]&claimYields != 0, MayYield: b[7]&claimMay != 0}
	if from := netip.AddrFrom16([16]byte(b[claimHead:])); !from.IsUnspecified() {
		c.From = from.Unmap()
	}
	return c, true
}

// QuestionFrame asks who holds vip. An IPv6 question comes from own, the link-local
// address of the interface, or without one from ::. It is nil when vip is no
// unicast address or mac is not six octets.
func QuestionFrame(mac net.HardwareAddr, own, vip netip.Addr, c Claim) []byte {
	switch {
	case len(mac) != 6 || !vip.IsValid() || vip.IsMulticast() || vip.IsUnspecified():
		return nil
	case vip.Is4():
		return arpQuestion(mac, vip, c)
	case vip.Is4In6():
		return nil
	}
	return ndQuestion(mac, own, vip, c)
}

func arpQuestion(mac net.HardwareAddr, vip netip.Addr, c Claim) []byte {
	probe, err := arp.NewPacket(arp.OperationRequest, mac, netip.IPv4Unspecified(), make(net.HardwareAddr, 6), vip)
	if err != nil {
		return nil
	}
	payload, err := probe.MarshalBinary()
	if err != nil {
		return nil
	}
	frame := ethernet.Frame{
		Destination: ethernet.Broadcast, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: c.append(payload),
	}
	b, err := frame.MarshalBinary()
	if err != nil {
		return nil
	}
	return b
}

// ndQuestion is made by hand, since its option is in no library.
func ndQuestion(mac net.HardwareAddr, own, vip netip.Addr, c Claim) []byte {
	if !own.Is6() || own.Is4In6() {
		own = netip.IPv6Unspecified()
	}
	message := append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, vip.AsSlice()...)
	message = c.append(append(message, claimOption, 4))
	message = append(message, make([]byte, ndLen+32-len(message))...)
	if !own.IsUnspecified() {
		message = append(append(message, 1, 1), mac...) // source link-layer address
	}
	group := vip.As16()
	copy(group[:], []byte{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}) // RFC 4291 section 2.7.1
	dst := netip.AddrFrom16(group)
	binary.BigEndian.PutUint16(message[2:], checksumICMPv6(own, dst, message))

	b := appendEther6(make([]byte, 0, etherLen+ipv6Len+len(message)), mac, dst)
	b = appendIPv6(b, 0, unix.IPPROTO_ICMPV6, own, dst, 255, len(message))
	return append(b, message...)
}

// checksumICMPv6 is over a message whose own field is 0 (RFC 8200 section 8.1).
func checksumICMPv6(src, dst netip.Addr, message []byte) uint16 {
	b := append(src.AsSlice(), dst.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	b = append(append(b, 0, 0, 0, unix.IPPROTO_ICMPV6), message...)
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	var s uint32
	for i := 0; i < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	s = s>>16 + s&0xffff
	s += s >> 16
	return ^uint16(s)
}

// Held is what a frame of another says of an address.
type Held struct {
	Addr netip.Addr
	MAC  [6]byte // of who claims it; zero where only the frame's source tells
	// Solicited: it is an answer to one who asked. Then whoever sent it holds
	// the address now.
	Solicited bool
	Question  bool // it asks, and claims nothing beyond Claim
	Claim     *Claim
}

// ParseHeld reads an ARP packet (four) or an IPv6 packet with neighbour discovery,
// as far as it was captured. It is false for what is neither, and for what says
// nothing of who holds an address.
func ParseHeld(packet []byte, four bool) (Held, bool) {
	if four {
		return parseARP(packet)
	}
	return parseND(packet)
}

func parseARP(b []byte) (h Held, ok bool) {
	if len(b) < arpLen || [6]byte(b[:6]) != [6]byte{0, 1, 8, 0, 6, 4} {
		return h, false
	}
	h.MAC = [6]byte(b[8:14])
	sender, target := netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28]))
	h.Addr = sender
	h.Solicited = b[7] == 2 && sender != target // a gratuitous reply has both alike
	if !sender.IsUnspecified() {
		return h, true
	}
	c, ok := parseClaim(b[arpLen:])
	h.Addr, h.Question, h.Claim = target, true, &c
	return h, ok
}

func parseND(b []byte) (h Held, ok bool) {
	if len(b) < ipv6Len+ndLen || b[6] != unix.IPPROTO_ICMPV6 || b[7] != 255 {
		return h, false
	}
	m := b[ipv6Len:]
	h.Addr = netip.AddrFrom16([16]byte(m[8:24]))
	switch options := m[ndLen:]; {
	case m[0] == 136:
		// To a question from :: the answer goes to all nodes, unsolicited.
		h.Solicited = m[4]&0x40 != 0
		if len(options) >= 8 && options[0] == 2 && options[1] == 1 {
			h.MAC = [6]byte(options[2:8])
		}
		return h, true
	case m[0] == 135 && len(options) > 2 && options[0] == claimOption:
		c, ok := parseClaim(options[2:])
		h.Question, h.Claim = true, &c
		return h, ok
	}
	return h, false
}
