package netio

import "github.com/vrrpx/vrrpx/vrrp"

// Listener hears every frame of an interface that carries VRRP, whoever's, and
// judges none: for people who look for what is wrong. A Receiver is for routers.
// It does not hear what the host itself sends, nor what another's XDP program
// drops. It is for one goroutine.
type Listener struct{ ring *packetRing }

// OpenListener begins to hear an interface in the network namespace of the calling
// thread. It needs CAP_NET_RAW, and to hear a group that nobody here has joined a
// Membership.
func OpenListener(ifindex int) (*Listener, error) {
	ring, err := openPacketRing(ifindex)
	if err != nil {
		return nil, err
	}
	return &Listener{ring}, nil
}

// FD is readable when Drain has something to do.
func (l *Listener) FD() int { return l.ring.fd }

// Drain gives f the frames that wait, oldest first, and as many as the ring holds
// at most. The octets are good until f returns. It never waits. It returns an
// error of the socket, which remains in use.
func (l *Listener) Drain(f func(at vrrp.Instant, frame []byte)) error {
	by := readClocks()
	for n := range ringFrames {
		c, ok := l.ring.next(by)
		if !ok && n == 0 {
			return l.ring.takeError()
		}
		if !ok {
			break
		}
		f(c.at, c.bytes)
		l.ring.release(c)
	}
	return nil
}

// Close stops hearing.
func (l *Listener) Close() error { return l.ring.close() }
