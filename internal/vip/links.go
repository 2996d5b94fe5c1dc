package vip

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Link is one network interface.
type Link struct {
	Name  string
	Index int
	MAC   net.HardwareAddr // nil where the device has none
	MTU   int              // bytes
	Up    bool             // it can carry traffic: IFF_UP and IFF_RUNNING (RFC 2863 operational state)
	Flags uint32           // IFF_* (linux/if.h)

	parent  int  // of a device on another its index, else 0
	private bool // a macvlan in private mode
}

// Loopback tells of the loopback device: no packet comes in by it from outside.
func (l Link) Loopback() bool { return l.Flags&unix.IFF_LOOPBACK != 0 }

func up(flags uint32) bool { return flags&unix.IFF_UP != 0 && flags&unix.IFF_RUNNING != 0 }

// LookupLink asks the kernel for the interface of that name in the network
// namespace of the calling thread.
func LookupLink(name string) (Link, error) {
	l, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return Link{}, fmt.Errorf("interface %s does not exist", name)
	}
	if err != nil {
		return Link{}, fmt.Errorf("interface %s: %w", name, err)
	}
	a := l.Attrs()
	return Link{Name: a.Name, Index: a.Index, MAC: a.HardwareAddr, MTU: a.MTU, Up: up(a.RawFlags), Flags: a.RawFlags}, nil
}

// links knows the host's interfaces and tells of their changes, from a
// goroutine of its own: that a link is down must not wait behind addresses.
type links struct {
	monitor *socket
	dumper  dumper
	bell    bell
	tell    func(Event) // LinkNew to LinkChanged, and Trouble
	done    chan struct{}
	stale   bool

	mu      sync.Mutex
	stopped bool
	byIndex map[int]Link
	byName  map[string]int
}

// openLinks subscribes first and reads then, so that no change is missed.
func openLinks(tell func(Event)) (l *links, err error) {
	l = &links{tell: tell, done: make(chan struct{}), byIndex: map[int]Link{}, byName: map[string]int{}}
	if l.monitor, err = openSocket(groupLink); err != nil {
		return nil, err
	}
	if l.dumper, err = openDumper(); err != nil {
		l.monitor.close()
		return nil, err
	}
	if l.bell, err = newBell(); err != nil {
		l.dumper.close()
		l.monitor.close()
		return nil, err
	}
	if _, err = l.resync(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// index is the interface's index now, 0 when there is none of that name.
func (l *links) index(name string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byName[name]
}

func (l *links) link(name string) (Link, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, ok := l.byIndex[l.byName[name]]
	return link, ok
}

func (l *links) name(index int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if link, ok := l.byIndex[index]; ok {
		return link.Name
	}
	return fmt.Sprintf("index %d", index)
}

// run listens until stop.
func (l *links) run() {
	defer close(l.done)
	for {
		l.bell.wait(l.monitor.fd, -1)
		for {
			if l.isStopped() {
				return
			}
			events, err := l.listen()
			for _, ev := range events {
				l.tell(ev)
			}
			if err == nil {
				break
			}
			l.tell(Event{Kind: Trouble, Err: err})
			l.bell.wait(-1, time.Second)
		}
	}
}

func (l *links) isStopped() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopped
}

// stop ends run and waits for it.
func (l *links) stop() {
	l.mu.Lock()
	l.stopped = true
	l.mu.Unlock()
	l.bell.ring()
	<-l.done
	l.close()
}

// close is for links that do not run.
func (l *links) close() {
	l.bell.close()
	l.dumper.close()
	l.monitor.close()
}

// listen takes in what waits at the socket. After an error or a loss the
// picture may be wrong, and all is read anew.
func (l *links) listen() (events []Event, err error) {
	for {
		msgs, err := l.monitor.receive()
		if err != nil {
			l.stale = true
			if !errors.Is(err, errLost) {
				return events, err
			}
			continue
		}
		if msgs == nil {
			break
		}
		for _, m := range msgs {
			events = append(events, l.hear(m)...)
		}
	}
	if !l.stale {
		return events, nil
	}
	more, err := l.resync()
	l.stale = err != nil
	return append(events, more...), err
}

func (l *links) hear(m syscall.NetlinkMessage) []Event {
	if m.Header.Type != unix.RTM_NEWLINK && m.Header.Type != unix.RTM_DELLINK {
		return nil
	}
	link, family, err := parseLink(m.Data)
	if err != nil {
		return []Event{{Kind: Trouble, Err: err}}
	}
	if family != unix.AF_UNSPEC {
		return nil // a bridge speaks of its port, not of the device
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.Header.Type == unix.RTM_DELLINK {
		return l.gone(link.Index)
	}
	return l.update(link)
}

// resync reads all interfaces and tells what has changed since.
func (l *links) resync() ([]Event, error) {
	now, err := l.dumper.links()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []Event
	for index := range l.byIndex {
		if _, ok := now[index]; !ok {
			events = append(events, l.gone(index)...)
		}
	}
	for _, link := range now {
		events = append(events, l.update(link)...)
	}
	return events, nil
}

func (l *links) gone(index int) []Event {
	old, ok := l.byIndex[index]
	if !ok {
		return nil
	}
	delete(l.byIndex, index)
	if l.byName[old.Name] == index {
		delete(l.byName, old.Name)
	}
	old.Up = false
	return []Event{{Kind: LinkGone, Link: old}}
}

func (l *links) update(link Link) (events []Event) {
	old, known := l.byIndex[link.Index]
	if known && old.Name != link.Name {
		events, known = l.gone(link.Index), false // to those who know it by name
	}
	l.byIndex[link.Index] = link
	l.byName[link.Name] = link.Index
	switch {
	case !known:
		return append(events, Event{Kind: LinkNew, Link: link})
	case old.Up && !link.Up:
		events = append(events, Event{Kind: LinkDown, Link: link})
	case !old.Up && link.Up:
		events = append(events, Event{Kind: LinkUp, Link: link})
	}
	if !bytes.Equal(old.MAC, link.MAC) || old.MTU != link.MTU {
		events = append(events, Event{Kind: LinkChanged, Link: link})
	}
	return events
}

// parseLink reads the body of an RTM_NEWLINK or RTM_DELLINK.
func parseLink(body []byte) (link Link, family uint8, err error) {
	if len(body) < unix.SizeofIfInfomsg {
		return Link{}, 0, errMessage
	}
	head := nl.DeserializeIfInfomsg(body)
	attrs, err := attributes(body[unix.SizeofIfInfomsg:])
	if err != nil {
		return Link{}, 0, err
	}
	link = Link{Index: int(head.Index), Flags: head.Flags, Up: up(head.Flags)}
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.IFLA_IFNAME:
			link.Name = unix.ByteSliceToString(a.Value)
		case unix.IFLA_ADDRESS:
			link.MAC = bytes.Clone(a.Value)
		case unix.IFLA_MTU:
			if len(a.Value) >= 4 {
				link.MTU = int(nl.NativeEndian().Uint32(a.Value))
			}
		case unix.IFLA_LINK:
			if len(a.Value) >= 4 {
				link.parent = int(nl.NativeEndian().Uint32(a.Value))
			}
		case unix.IFLA_LINKINFO:
			link.private = isPrivateMACVLAN(a.Value)
		}
	}
	return link, head.Family, nil
}
