package testnet

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// InSwitch runs f on this goroutine with its thread in the namespace of the
// bridges; that of eth0 is called br0. See Host.Do.
func (l *LAN) InSwitch(f func() error) error { return l.sw.Do(f) }

// Block makes the switch drop whatever comes from and goes to the host, which
// keeps its carrier; taps of the bridge see none of it either. Where Cut waits
// in the kernel with the lock of all network configuration held, until every
// CPU has done with the interface, this sets a flag and returns.
func (l *LAN) Block(host string) error { return l.portState(host, stateDisabled) }

// Unblock ends Block. Join does not.
func (l *LAN) Unblock(host string) error { return l.portState(host, stateForwarding) }

// States of a bridge port (linux/if_bridge.h). Without a spanning tree the
// bridge would make a blocking port forward again at once.
const (
	stateDisabled   = 0
	stateForwarding = 3
)

// Echo makes the switch send back to a host what it sends to the group or to nobody
// that is known, as a port in hairpin mode does, or stop that.
func (l *LAN) Echo(host string, on bool) error {
	return l.ports(host, func(p *Port) error {
		link, err := l.sw.nl.LinkByName(p.port)
		if err == nil {
			err = l.sw.nl.LinkSetHairpin(link, on)
		}
		if err != nil {
			return fmt.Errorf("bridge port %s, hairpin %v: %w", p.port, on, err)
		}
		return nil
	})
}

func (l *LAN) portState(host string, state byte) error {
	var errs []error
	for _, p := range l.Host(host).Links {
		link, err := l.sw.nl.LinkByName(p.port)
		if err == nil {
			err = l.sw.Do(func() error { return setPortState(link.Attrs().Index, state) })
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("bridge port %s, state %d: %w", p.port, state, err))
		}
	}
	return errors.Join(errs...)
}

// setPortState is `bridge link set dev PORT state STATE`, on the thread's own
// namespace.
func setPortState(index int, state byte) error {
	msg := nl.NewIfInfomsg(unix.AF_BRIDGE)
	msg.Index = int32(index)
	port := nl.NewRtAttr(unix.IFLA_PROTINFO|unix.NLA_F_NESTED, nil)
	port.AddRtAttr(nl.IFLA_BRPORT_STATE, []byte{state})
	req := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
	req.AddData(msg)
	req.AddData(port)
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
