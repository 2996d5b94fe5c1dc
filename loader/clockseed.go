package loader

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/clock"
	"github.com/vrrpx/vrrpx/vrrp"
)

func monotonic() uint64 { return uint64(clock.Now()) }

// seedSocket is a packet socket of the calling thread's network namespace whose
// frames pass by the tbf, so that no seed waits for another's sleep.
func seedSocket(mark uint32) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("packet socket (needs CAP_NET_RAW): %w", err)
	}
	if err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(mark))
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("packet socket for the seeds: %w", err)
	}
	return fd, nil
}

// The seeds: an Ethernet header and an IP header, all zeros but the type.
var seeds = [2][etherLen + 20]byte{
	{12: 0x08, 13: 0x00},
	{12: 0x86, 13: 0xdd},
}

// seed sends the seed of a loop, which comes in at once. Any that was asleep ends.
func (c *Clock) seed(i int) error {
	to := unix.SockaddrLinklayer{Ifindex: int(atomic.LoadUint32(&c.loops[i].Exit))}
	return unix.Sendto(c.socket, seeds[i][:], 0, &to)
}

// wake sees to it that the loop of a family runs not later than due.
func (c *Clock) wake(f vrrp.Family, due vrrp.Instant) {
	i := 0
	if f == vrrp.IPv6 {
		i = 1
	}
	atomic.AddUint64(&c.loops[i].Asked, 1) // a lap that has passed the slot comes again
	back := vrrp.Instant(atomic.LoadUint64(&c.loops[i].BackNs))
	// One that should be back is on its lap, and may have passed the slot before.
	if back > due || back <= clock.Now() {
		_ = c.seed(i) // Watch finds out
	}
}

// A loop whose seed is overdue by overdueAfter is sent it anew, and is taken for
// broken when that has not helped so many times.
const (
	overdueAfter = 15 * time.Millisecond // with adverts every 10 ms, sooner than a pause; each look wakes the process
	brokenAfter  = 3
)

// Watch sends the seed of a loop anew when it is lost and the other loop, which
// looks sooner, has not done so. It returns when to look again. It fails when
// sending has not helped: then Rebuild may.
func (c *Clock) Watch(now vrrp.Instant) (next vrrp.Instant, err error) {
	next = now.Add(time.Second)
	for i := range c.loops {
		lost := &c.lost[i]
		look := vrrp.Instant(atomic.LoadUint64(&c.loops[i].BackNs)).Add(overdueAfter)
		// Each seed that is sent makes one lap by itself, past the queue.
		if laps := atomic.LoadUint64(&c.loops[i].Laps); laps > lost.laps+uint64(lost.tries) {
			*lost = lostSeed{laps: laps}
		}
		if lost.tries > 0 {
			look = max(look, lost.at.Add(overdueAfter))
		}
		if look <= now {
			if lost.tries == brokenAfter {
				*lost = lostSeed{laps: lost.laps}
				return next, fmt.Errorf("the advert clock on %s stands still", c.pair.name)
			}
			lost.tries++
			lost.at = now
			c.again.Add(1)
			_ = c.seed(i) // if it fails, the next look finds out
			look = now.Add(overdueAfter)
		}
		next = min(next, look)
	}
	c.spread(now)
	return next, nil
}

// lostSeed is what Watch knows of a loop whose seed is overdue.
type lostSeed struct {
	laps  uint64 // when it was last seen to move
	tries int    // seeds sent since
	at    vrrp.Instant
}

// spreadEvery is how often Watch may part the loops. What holds up one CPU may hold up
// another soon.
const spreadEvery = 100 * time.Millisecond

// spread sees to it that the two loops are on two CPUs: when one of them is held up,
// as by the host of a virtual machine, the other loop sends the seed anew on its own.
// A seed stays on the CPU that sent it.
func (c *Clock) spread(now vrrp.Instant) {
	cpu := atomic.LoadUint32(&c.loops[0].Cpu)
	if cpu != atomic.LoadUint32(&c.loops[1].Cpu) || now.Sub(c.spreadAt) < spreadEvery {
		return
	}
	c.spreadAt = now
	if !c.spreading.TryLock() {
		return // it waits for a CPU that others have taken
	}
	go func() {
		defer c.spreading.Unlock()
		runtime.LockOSThread()
		if c.seedFrom(cpu) == nil {
			runtime.UnlockOSThread() // else the thread ends with the goroutine
		}
	}()
}

// seedFrom sends the IPv6 loop's seed from another CPU than the one given. On an error
// the thread may be bound to one.
func (c *Clock) seedFrom(not uint32) error {
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for cpu := range len(all) * 64 {
		if cpu == int(not) || !all.IsSet(cpu) {
			continue
		}
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return err
		}
		_ = c.seed(1) // a loss is seen by Watch
		return unix.SchedSetaffinity(0, &all)
	}
	return nil // there is one CPU
}

// Laps is how often each loop, of IPv4 and of IPv6, has come round.
func (c *Clock) Laps() [2]uint64 {
	return [2]uint64{atomic.LoadUint64(&c.loops[0].Laps), atomic.LoadUint64(&c.loops[1].Laps)}
}

// ClockCounts is how the clock itself has fared.
type ClockCounts struct {
	Laps    uint64 // of both loops
	Again   uint64 // times a seed was lost and sent anew, by the other loop or by Watch
	Foreign uint64 // frames on the pair that were not ours
	Crowded uint64 // laps that could not serve all that was due
	Racing  uint64 // seeds taken away because nothing held them back
}

// ClockCounts returns them.
func (c *Clock) ClockCounts() (sum ClockCounts) {
	for i := range c.loops {
		l := &c.loops[i]
		sum.Laps += atomic.LoadUint64(&l.Laps)
		sum.Again += atomic.LoadUint64(&l.Again)
		sum.Foreign += atomic.LoadUint64(&l.Foreign)
		sum.Crowded += atomic.LoadUint64(&l.Crowded)
		sum.Racing += atomic.LoadUint64(&l.Racing)
	}
	sum.Again += c.again.Load()
	return sum
}
