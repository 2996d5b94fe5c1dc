package testnet

import (
	"errors"
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Cut pulls the cable: the bridge port goes down and the host sees no carrier.
func (p *Port) Cut() error { return p.set(p.lan.sw.nl.LinkSetDown, "down") }

// Join plugs the cable in again and ends Mute and Deafen. A host whose own end
// is down makes it fail.
func (p *Port) Join() error {
	return errors.Join(
		p.lan.sw.Do(p.filter(unix.NFT_META_IIFNAME).remove),
		p.lan.sw.Do(p.filter(unix.NFT_META_OIFNAME).remove),
		p.set(p.lan.sw.nl.LinkSetUp, "up"),
		p.waitUp())
}

// waitUp waits until both ends of the cable know that it is plugged in: the
// kernel tells them from a queue that a busy machine works off late, and the
// bridge forwards only then.
func (p *Port) waitUp() error {
	if !WaitFor(10*time.Second, func() bool { return p.host.HasCarrier(p.Name) && p.lan.sw.HasCarrier(p.port) }) {
		return fmt.Errorf("%s of %s has no carrier after 10 s", p.Name, p.host.Name)
	}
	return nil
}

// Mute stops the bridge from passing on what the host sends; the host keeps
// its carrier and hears the others. The tap still sees what it sends.
func (p *Port) Mute() error { return p.lan.sw.Do(p.filter(unix.NFT_META_IIFNAME).add) }

// Deafen stops the bridge from passing anything to the host, which keeps its
// carrier and is heard by the others.
func (p *Port) Deafen() error { return p.lan.sw.Do(p.filter(unix.NFT_META_OIFNAME).add) }

// set finds the port by name each time: a test may have replaced it.
func (p *Port) set(change func(netlink.Link) error, word string) error {
	link, err := p.lan.sw.nl.LinkByName(p.port)
	if err == nil {
		err = change(link)
	}
	if err != nil {
		return fmt.Errorf("bridge port %s %s: %w", p.port, word, err)
	}
	return nil
}

func (p *Port) filter(key uint32) nftDrop {
	name := make([]byte, unix.IFNAMSIZ) // zero-padded: the whole name must match
	copy(name, p.port)
	return nftDrop{
		family: unix.NFPROTO_BRIDGE,
		table:  fmt.Sprintf("cut-%s-%d", p.port, key),
		hooks:  []uint32{unix.NF_INET_FORWARD}, // NF_BR_FORWARD has the same number
		key:    key,
		value:  name,
	}
}

// Cut pulls all cables of the host.
func (l *LAN) Cut(host string) error { return l.ports(host, (*Port).Cut) }

// Join plugs all cables of the host in and ends Mute and Deafen.
func (l *LAN) Join(host string) error { return l.ports(host, (*Port).Join) }

// Mute stops all that the host sends; see Port.Mute.
func (l *LAN) Mute(host string) error { return l.ports(host, (*Port).Mute) }

// Deafen stops all that is sent to the host; see Port.Deafen.
func (l *LAN) Deafen(host string) error { return l.ports(host, (*Port).Deafen) }

func (l *LAN) ports(host string, do func(*Port) error) error {
	var errs []error
	for _, p := range l.Host(host).Links {
		errs = append(errs, do(p))
	}
	return errors.Join(errs...)
}

// FilterVRRP makes the bridges drop IP protocol 112, over IPv4 and IPv6, and pass
// all else: what a host sends, or with "" what anyone does.
func (l *LAN) FilterVRRP(from string) error {
	if from == "" {
		return l.sw.Do(bridgeFilter.add)
	}
	return l.filters(from, nftDrop.add)
}

// UnfilterVRRP ends FilterVRRP of the same argument.
func (l *LAN) UnfilterVRRP(from string) error {
	if from == "" {
		return l.sw.Do(bridgeFilter.remove)
	}
	return l.filters(from, nftDrop.remove)
}

func (l *LAN) filters(from string, do func(nftDrop) error) error {
	return l.ports(from, func(p *Port) error {
		f := p.filter(unix.NFT_META_IIFNAME)
		f.table = "vrrp-" + f.table
		f.and = []nftMatch{{unix.NFT_META_L4PROTO, []byte{protoVRRP}}}
		return l.sw.Do(func() error { return do(f) })
	})
}

var bridgeFilter = nftDrop{
	family: unix.NFPROTO_BRIDGE, table: "filter-vrrp", hooks: []uint32{unix.NF_INET_FORWARD},
	key: unix.NFT_META_L4PROTO, value: []byte{protoVRRP},
}

// DropVRRP makes the host's firewall drop IP protocol 112 in INPUT and OUTPUT,
// over IPv4 and IPv6.
func (h *Host) DropVRRP() error {
	if err := h.Do(vrrpFirewall.add); err != nil {
		return fmt.Errorf("firewall of %s: %w", h.Name, err)
	}
	return nil
}

// AllowVRRP ends DropVRRP.
func (h *Host) AllowVRRP() error { return h.Do(vrrpFirewall.remove) }

var vrrpFirewall = nftDrop{
	family: unix.NFPROTO_INET,
	table:  "drop-vrrp",
	hooks:  []uint32{unix.NF_INET_LOCAL_IN, unix.NF_INET_LOCAL_OUT},
	key:    unix.NFT_META_L4PROTO,
	value:  []byte{protoVRRP},
}
