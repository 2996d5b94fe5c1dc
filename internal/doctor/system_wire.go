package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/vrrp"
)

// What Listen keeps at most: a flood is told of, not kept.
const (
	maxFrames = 50000
	maxOctets = 64 << 20
)

// ear is an interface that is listened at.
type ear struct {
	name    string
	hears   *netio.Listener
	members []*netio.Membership
}

func openEar(e Ear) (*ear, error) {
	l, err := netio.OpenListener(e.Link.Index)
	if err != nil {
		return nil, err
	}
	open := &ear{name: e.Link.Name, hears: l}
	for _, g := range e.Groups {
		m, err := netio.Join(e.Link.Index, g)
		if err != nil {
			open.close()
			return nil, err
		}
		open.members = append(open.members, m)
	}
	return open, nil
}

func (e *ear) close() {
	for _, m := range e.members {
		m.Close()
	}
	e.hears.Close()
}

// Listen hears through packet sockets, as a member of the groups. It needs
// CAP_NET_RAW. An interface that goes down and comes back is heard again.
func (*System) Listen(ctx context.Context, ears []Ear, d time.Duration) (frames []Frame, failed map[string]error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	failed = map[string]error{}
	var fds []unix.PollFd
	var open []*ear
	for _, e := range ears {
		one, err := openEar(e)
		if err != nil {
			failed[e.Link.Name] = err
			continue
		}
		defer one.close()
		open = append(open, one)
		fds = append(fds, unix.PollFd{Fd: int32(one.hears.FD()), Events: unix.POLLIN})
	}
	octets := 0
	for ctx.Err() == nil && len(open) > 0 {
		const look = 50 // ms
		if _, err := unix.Poll(fds, look); err != nil && err != unix.EINTR {
			for _, e := range open {
				failed[e.name] = fmt.Errorf("poll: %w", err)
			}
			return frames, failed
		}
		for _, e := range open {
			err := e.hears.Drain(func(at vrrp.Instant, b []byte) {
				if octets += len(b); len(frames) < maxFrames && octets < maxOctets {
					frames = append(frames, Frame{On: e.name, At: at, Bytes: bytes.Clone(b)})
				}
			})
			if err != nil {
				failed[e.name] = err // the socket goes on
			}
		}
	}
	return frames, failed
}

// RFC 5227 section 1.1 has three probes, some seconds apart, so that they are heard
// on LANs that have just come up. Ours has been up.
const (
	probeNum  = 3
	probeRest = 250 * time.Millisecond
	probeWait = 600 * time.Millisecond // after the last
)

// mouth is an interface on which is asked.
type mouth struct {
	says   *netio.Sender
	hears  *netio.Neighbours
	frames [][]byte
}

func (m *mouth) close() {
	m.hears.Close()
	m.says.Close()
}

// openMouth begins to hear the answers, which tell is given.
func openMouth(l Link, tell func(Answer)) (*mouth, error) {
	s, err := netio.OpenSender(l.Index)
	if err != nil {
		return nil, err
	}
	n, err := netio.OpenNeighbours(l.Index, func(h netio.HeldFrame) {
		mac := h.MAC
		if mac == [6]byte{} {
			mac = h.Source
		}
		if !h.Question {
			tell(Answer{l.Name, h.Addr, mac})
		}
	})
	if err != nil {
		s.Close()
		return nil, err
	}
	return &mouth{says: s, hears: n}, nil
}

// Probe sends ARP probes and neighbour solicitations. It needs CAP_NET_RAW and
// CAP_NET_ADMIN.
func (*System) Probe(ctx context.Context, probes []Probe) (answers []Answer, failed map[string]error) {
	var mu sync.Mutex
	tell := func(a Answer) {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) < maxFrames {
			answers = append(answers, a)
		}
	}
	failed = map[string]error{}
	mouths := map[string]*mouth{}
	for _, p := range probes {
		name := p.Link.Name
		if failed[name] != nil {
			continue
		}
		if mouths[name] == nil {
			m, err := openMouth(p.Link, tell)
			if err != nil {
				failed[name] = err
				continue
			}
			mouths[name] = m
		}
		if f := netio.ProbeFrame(net.HardwareAddr(p.Link.MAC[:]), linkLocal(p.Link), p.Addr); f != nil {
			mouths[name].frames = append(mouths[name].frames, f)
		}
	}
	askAll(ctx, mouths)
	for _, m := range mouths {
		m.close() // tells no more
	}
	return answers, failed
}

// askAll asks, and waits for the answers.
func askAll(ctx context.Context, mouths map[string]*mouth) {
	if len(mouths) == 0 {
		return
	}
	for range probeNum {
		for _, m := range mouths {
			for i, f := range m.frames {
				_ = m.says.Send(f) // one that is lost is sent again
				if i%32 == 31 {
					time.Sleep(time.Millisecond)
				}
			}
		}
		if !rest(ctx, probeRest) {
			return
		}
	}
	rest(ctx, probeWait-probeRest)
}

// rest waits; false when ctx has ended.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// linkLocal is an address that a solicitation may come from; not valid for none.
func linkLocal(l Link) netip.Addr {
	for _, a := range l.Addresses {
		if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() && !a.Tentative && !a.Duplicate {
			return a.Addr()
		}
	}
	return netip.Addr{}
}
