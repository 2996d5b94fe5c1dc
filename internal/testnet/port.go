package testnet

import (
	"bytes"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TapHost starts to record the frames that a host sends by its eth0 and for
// which keep is true, whatever MAC address they come from.
func (l *LAN) TapHost(name string, keep func(Frame) bool) (*Tap, error) {
	return l.sw.Tap(l.Host(name).Links[0].port, keep)
}

// Learned is the host behind whose eth0 the switch has a MAC address in its
// forwarding database; empty when it has not.
func (l *LAN) Learned(mac net.HardwareAddr) (host string, err error) {
	entries, err := l.sw.nl.NeighList(0, unix.AF_BRIDGE)
	if err != nil {
		return "", fmt.Errorf("forwarding database: %w", err)
	}
	for _, e := range entries {
		if e.State&netlink.NUD_PERMANENT != 0 || !bytes.Equal(e.HardwareAddr, mac) {
			continue
		}
		for _, h := range l.hosts {
			link, err := l.sw.nl.LinkByName(h.Links[0].port)
			if err == nil && link.Attrs().Index == e.LinkIndex {
				return h.Name, nil
			}
		}
	}
	return "", nil
}
