package vip

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dumper reads all of what the kernel has. It is the library's socket and
// loop; it keeps the namespace in which it was opened.
type dumper struct{ handle *nl.SocketHandle }

func openDumper() (dumper, error) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE)
	if err != nil {
		return dumper{}, fmt.Errorf("rtnetlink socket: %w", err)
	}
	return dumper{&nl.SocketHandle{Socket: s}}, nil
}

func (d dumper) close() { d.handle.Socket.Close() }

// dump returns the bodies of the answers of type want. A dump that a change
// cut short is begun again; on a host that never rests the last one counts,
// since each change will be notified as well.
func (d dumper) dump(get, want uint16, head nl.NetlinkRequestData) (bodies [][]byte, err error) {
	for range 5 {
		req := nl.NewNetlinkRequest(int(get), unix.NLM_F_DUMP)
		req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: d.handle}
		req.AddData(head)
		bodies, err = req.Execute(unix.NETLINK_ROUTE, want)
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil && !errors.Is(err, nl.ErrDumpInterrupted) {
		return nil, fmt.Errorf("reading the host's state: %w", err)
	}
	return bodies, nil
}

// addresses reads every address of the host.
func (d dumper) addresses() ([]hostAddress, error) {
	bodies, err := d.dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, nl.NewIfAddrmsg(unix.AF_UNSPEC))
	if err != nil {
		return nil, err
	}
	all := make([]hostAddress, 0, len(bodies))
	for _, b := range bodies {
		a, err := parseAddress(b)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// links reads every interface of the host, by index.
func (d dumper) links() (map[int]Link, error) {
	bodies, err := d.dump(unix.RTM_GETLINK, unix.RTM_NEWLINK, nl.NewIfInfomsg(unix.AF_UNSPEC))
	if err != nil {
		return nil, err
	}
	all := make(map[int]Link, len(bodies))
	for _, b := range bodies {
		link, _, err := parseLink(b)
		if err != nil {
			return nil, err
		}
		all[link.Index] = link
	}
	return all, nil
}
