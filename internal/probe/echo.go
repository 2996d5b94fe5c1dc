package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// echo sends one ICMP echo request and waits for its answer. Each has a socket of
// its own, and a token that no other answer bears.
func (t Target) echo(ctx context.Context) error {
	c, to, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // of a socket that is open
	}
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })()
	var token [16]byte
	_, _ = rand.Read(token[:]) // never fails
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(token[0])<<8 | int(token[1]), Seq: 1, Data: token[:]}}
	answer, proto := icmp.Type(ipv4.ICMPTypeEchoReply), unix.IPPROTO_ICMP
	if t.Addr.Is6() {
		m.Type, answer, proto = ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, unix.IPPROTO_ICMPV6
	}
	b, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(b, to); err != nil {
		return err
	}
	for buf := make([]byte, 1500); ; {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		got, err := icmp.ParseMessage(proto, buf[:n])
		if err != nil || got.Type != answer || !t.is(from) {
			continue
		}
		if e, ok := got.Body.(*icmp.Echo); ok && string(e.Data) == string(token[:]) {
			return nil
		}
	}
}

// open is a raw socket, or where that is not permitted an echo socket, which
// net.ipv4.ping_group_range permits (icmp(7)).
func (t Target) open(ctx context.Context) (net.PacketConn, net.Addr, error) {
	ip := &net.IPAddr{IP: t.Addr.AsSlice(), Zone: t.Addr.Zone()}
	raw, datagram, any := "ip4:icmp", "udp4", "0.0.0.0"
	if t.Addr.Is6() {
		raw, datagram, any = "ip6:ipv6-icmp", "udp6", "::"
	}
	from := any
	if t.Source.IsValid() {
		from = t.Source.String()
	}
	lc := net.ListenConfig{Control: t.bind}
	c, err := lc.ListenPacket(ctx, raw, from)
	if !errors.Is(err, unix.EPERM) {
		return c, ip, err
	}
	if t.Interface != "" {
		return nil, nil, fmt.Errorf("%w (to probe from an interface takes CAP_NET_RAW)", err)
	}
	p, err := icmp.ListenPacket(datagram, from)
	if err != nil {
		return nil, nil, err
	}
	return p, &net.UDPAddr{IP: ip.IP, Zone: ip.Zone}, nil
}

// is tells whether an answer comes from the target.
func (t Target) is(from net.Addr) bool {
	var ip net.IP
	switch a := from.(type) {
	case *net.IPAddr:
		ip = a.IP
	case *net.UDPAddr:
		ip = a.IP
	}
	got, ok := netip.AddrFromSlice(ip)
	return ok && got.Unmap() == t.Addr.WithZone("")
}
