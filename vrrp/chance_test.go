package vrrp

import (
	"net/netip"
	"time"
)

// chance makes one input after another out of draws: a random source's in the
// property tests, the bytes of a fuzz input in FuzzMachine. draw(n) is in
// [0, n).
type chance struct {
	draw func(n int) int
	now  Instant
}

func pick[T any](c *chance, from ...T) T { return from[c.draw(len(from))] }

// next is the next input for the machine and its instant. Now and then the
// instant lies a little before the last one's, as that of an advert that was
// under way while the timer fired.
func (c *chance) next(m *Machine) (Instant, Input) {
	in := c.input()
	due, armed := m.Deadline()
	switch _, timer := in.(Timer); {
	case timer && armed && c.draw(4) > 0:
		late := pick(c, -1, 0, 0, 0, 1, time.Millisecond, 10*time.Second)
		c.now = max(c.now, due.Add(late))
	default:
		c.now = c.now.Add(pick(c, 0, 1, time.Millisecond, 10*time.Millisecond, 400*time.Millisecond, time.Second, 5*time.Second))
	}
	if _, heard := in.(Heard); heard && c.draw(16) == 0 {
		return c.now.Add(-time.Millisecond), in
	}
	return c.now, in
}

func (c *chance) input() Input {
	switch c.draw(26) {
	case 25:
		return WaitAnew{}
	case 21, 22, 23:
		length := pick(c, time.Second, 4*time.Second, time.Hour)
		return Paused{c.now.Add(-length), length, pick(c, 0, 0, 0, c.now.Add(-length), c.now.Add(-time.Second))}
	case 24:
		return Lapsed{2 * time.Second, time.Second}
	case 20:
		return Withdraw{"removed"}
	case 17, 18:
		return Permit{c.draw(2) == 0}
	case 19:
		return Yield{"a test"}
	case 16:
		return HeldUp{time.Second}
	case 0:
		return Shutdown{}
	case 1, 2:
		return Startup{}
	case 3:
		return Fault{pick(c, "link down", "no address"), c.draw(3) == 0}
	case 4:
		return SetPriority{pick[uint8](c, 1, 99, 100, 101, 254, 255)}
	case 5:
		return SetConfig{c.config()}
	case 6, 7, 8, 9:
		return Timer{}
	}
	return Heard{c.advert()}
}

func (c *chance) advert() Advert {
	a := advert(pick(c, below, above, own, vip), pick[uint8](c, 0, 1, 99, 100, 100, 101, 150, 254, 255))
	a.Interval = c.interval()
	if c.draw(8) == 0 {
		a.Addrs = nil
	}
	return a
}

func (c *chance) interval() time.Duration {
	return pick(c, time.Second, 10*time.Millisecond, 100*time.Millisecond, 2*time.Second, 40950*time.Millisecond)
}

// config is mostly one that config lets through, at times one that it never
// would: no input may panic.
func (c *chance) config() Config {
	k := base()
	if c.draw(4) == 0 {
		return Config{Interval: pick[time.Duration](c, 0, -1, 1), MaxLearn: c.draw(3) - 1, DownAdverts: c.draw(3) - 1}
	}
	k.Version = pick[uint8](c, 2, 3)
	k.Priority = pick[uint8](c, 1, 100, 150, 254, 255)
	k.Interval = c.interval()
	k.Primary = pick(c, own, own, own, below, netip.Addr{})
	k.ReplyToHigher = c.draw(3) == 0
	k.OwnerIgnores = c.draw(3) == 0
	k.Ask = c.draw(3) == 0
	k.CheckAddrsOnce = c.draw(3) == 0
	k.Preempt, k.ReplyToLower = c.draw(2) == 0, c.draw(2) == 0
	k.PreemptDelay = pick[time.Duration](c, 0, 0, time.Second, 1000*time.Second, -time.Second)
	k.DownAdverts, k.MaxLearn = pick(c, 3, 1, 100), pick(c, 10, 0, 1)
	return k
}
