package loader

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// ClockOptions is what OpenClock is told.
type ClockOptions struct {
	// Filter attaches the program as cls_bpf does, also where the kernel has tcx: for
	// tests.
	Filter bool
}

// OpenClock makes the advert clock: loads its program and makes, in the network
// namespace of the calling thread, the veth pair that it runs in. It takes a
// kernel from 5.17 with veth and tbf; an error says what is missing. What killed
// processes have left is removed first (CleanupClock). It may block
// for some tens of milliseconds. There is one clock to a Kernel, closed before it.
func (k *Kernel) OpenClock(o ClockOptions) (*Clock, error) {
	if err := features.HaveProgramHelper(ebpf.SchedCLS, asm.FnLoop); err != nil {
		return nil, fmt.Errorf("this kernel has no bpf_loop (5.17): %w", err)
	}
	c := &Clock{
		used: make([]bool, MaxSlots), given: make([]Schedule, MaxSlots), filter: o.Filter,
		mark: rand.Uint32() | 1, socket: -1, events: k.events,
	}
	if err := c.open(k); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Clock) open(k *Kernel) (err error) {
	if err := c.load(k); err != nil {
		return err
	}
	if c.slotMemory, err = mapMemory(k.slots); err != nil {
		return err
	}
	c.slots = unsafe.Slice((*vrrpxSlot)(unsafe.Pointer(&c.slotMemory[0])), MaxSlots)
	if c.leaseMemory, err = mapMemory(k.lease); err != nil {
		return err
	}
	c.lease = (*int64)(unsafe.Pointer(&c.leaseMemory[0]))
	if c.loopMemory, err = mapMemory(c.loopMap); err != nil {
		return err
	}
	c.loops = (*[2]vrrpxLoop)(unsafe.Pointer(&c.loopMemory[0]))
	if c.rtnl, err = openRtnl(); err != nil {
		return err
	}
	if c.socket, err = seedSocket(c.mark); err != nil {
		return err
	}
	if _, err := CleanupClock(); err != nil {
		return fmt.Errorf("the pair of a clock that was killed: %w", err)
	}
	return c.build()
}

// load loads the programs beside the maps that are loaded already.
func (c *Clock) load(k *Kernel) error {
	spec, err := loadVrrpx()
	if err != nil {
		return err
	}
	var objs struct {
		Lap     *ebpf.Program `ebpf:"vrrpx_lap"`
		Entry   *ebpf.Program `ebpf:"vrrpx_lap_entry"`
		Adverts *ebpf.Map     `ebpf:"adverts"`
		Loops   *ebpf.Map     `ebpf:"loops"`
		Jump    *ebpf.Map     `ebpf:"jump"`
	}
	shared := map[string]*ebpf.Map{vrrpxMapSlots: k.slots, vrrpxMapLease: k.lease, vrrpxMapEvents: k.events}
	if err := spec.LoadAndAssign(&objs, &ebpf.CollectionOptions{MapReplacements: shared}); err != nil {
		return explain("load the advert clock", err)
	}
	c.lap, c.entry, c.adverts, c.loopMap, c.jump = objs.Lap, objs.Entry, objs.Adverts, objs.Loops, objs.Jump
	if err := c.jump.Put(uint32(0), c.lap); err != nil {
		return fmt.Errorf("the clock's jump: %w", err)
	}
	return nil
}

// mapMemory maps an array of BPF_F_MMAPABLE.
func mapMemory(m *ebpf.Map) ([]byte, error) {
	size := int(m.MaxEntries()) * (int(m.ValueSize()+7) &^ 7)
	b, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("memory of %v: %w", m, err)
	}
	return b, nil
}

// build makes the pair, attaches the program and sends the first seeds.
func (c *Clock) build() (err error) {
	if c.pair, err = c.rtnl.addPair(); err != nil {
		return err
	}
	c.built = true
	for _, index := range c.pair.index {
		if err := c.attach(index); err != nil {
			return err
		}
	}
	spent := monotonic() - burstNS // the tbf starts full
	for i := range c.loops {
		l := &c.loops[i]
		l.Entry, l.Exit, l.Mark, l.SpentNs, l.BackNs = c.pair.index[1-i], c.pair.index[i], c.mark, spent, 0
	}
	for _, letter := range []string{"a", "b"} {
		l, err := c.rtnl.LinkByName(c.pair.name + letter)
		if err == nil {
			err = c.rtnl.LinkSetUp(l)
		}
		if err != nil {
			return fmt.Errorf("set %s%s up: %w", c.pair.name, letter, err)
		}
	}
	return c.start()
}

// attach puts the program at the ingress of an end.
func (c *Clock) attach(index uint32) error {
	if !c.filter {
		l, err := link.AttachTCX(link.TCXOptions{Interface: int(index), Program: c.lap, Attach: ebpf.AttachTCXIngress})
		if err == nil {
			c.links = append(c.links, l)
			return nil
		}
		if !errors.Is(err, ebpf.ErrNotSupported) {
			return fmt.Errorf("attach the advert clock: %w", err)
		}
		c.filter = true
	}
	return c.rtnl.addFilter(index, c.entry.FD(), vrrpxProgVrrpxLapEntry)
}

// What start asks of the loops.
const (
	proofRest = 2 * time.Millisecond // between two laps
	proofLaps = 3                    // so many are to have been held back
	proofFree = 1                    // so many are not: the tbf starts full
	proofLook = proofRest / 2
	proofSeed = 20  // looks after which a seed is sent again
	proofMost = 200 // looks: by number, since time may pass without this process
)

// start sends both seeds, and waits until the queues of both loops have held them
// back and passed them on: where they do not the clock does not run, whatever the
// kernel has accepted. That a seed comes in is no proof: those that are sent from here
// pass by the queue. Nor that it comes in again and again: it is to rest in between.
func (c *Clock) start() error {
	before, racing, began := c.Laps(), c.ClockCounts().Racing, time.Now()
	for i := range c.loops {
		l := &c.loops[i]
		atomic.StoreUint64(&l.MostNs, uint64(proofRest))
		atomic.StoreUint32(&l.Slots, 0) // what is due meanwhile would have them come sooner
	}
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i := range c.loops {
			atomic.StoreUint64(&c.loops[i].MostNs, 0)
			atomic.StoreUint32(&c.loops[i].Slots, uint32(c.high.Load()))
		}
	}()
	var sent [2]uint64
	for look, proven := 0, 0; proven < len(c.loops); look++ {
		if look > 0 {
			time.Sleep(proofLook)
		}
		proven = 0
		for i := range c.loops {
			laps := c.Laps()[i] - before[i]
			took := time.Since(began) // read behind them: who is held up here has seen no more laps than that
			switch held := laps - min(laps, sent[i]+proofFree); {
			case c.ClockCounts().Racing > racing || time.Duration(held)*proofLook > took:
				return fmt.Errorf("the seeds of the advert clock are not held back on %s: %d laps in %v (does its tbf work?)", c.pair.name, laps, took)
			case held >= proofLaps:
				proven++
			case look > proofMost:
				return fmt.Errorf("the seeds of the advert clock do not come round on %s: %d laps of %d seeds in %v", c.pair.name, laps, sent[i], took)
			case look%proofSeed == 0:
				if err := c.seed(i); err != nil {
					return fmt.Errorf("send the seed of the advert clock: %w", err)
				}
				sent[i]++
			}
		}
	}
	return nil
}

// tear takes down what build has made.
func (c *Clock) tear() error {
	if !c.built {
		return nil
	}
	c.built = false
	var errs []error
	for _, l := range c.links {
		errs = append(errs, l.Close())
	}
	c.links = nil
	return errors.Join(append(errs, c.rtnl.removePair(c.pair))...)
}

// Rebuild makes the pair anew, with what is set and open as it was. It may block
// for some tens of milliseconds; Close waits for it.
func (c *Clock) Rebuild() error {
	c.building.Lock()
	defer c.building.Unlock()
	if c.rtnl == nil {
		return errors.New("the advert clock is closed")
	}
	_ = c.tear() // what of the old one is left is removed at the next start
	return c.build()
}

// Close shuts every gate, ends the clock and removes the pair. Nothing but Close
// may be called after it.
func (c *Clock) Close() error {
	c.building.Lock()
	defer c.building.Unlock()
	if c.slots != nil {
		for n := range c.high.Load() {
			c.Shut(int(n))
		}
	}
	var errs []error
	if c.rtnl != nil {
		errs = append(errs, c.tear())
		c.rtnl.close()
		c.rtnl = nil
	}
	c.spreading.Lock() // it uses the socket; nothing starts it any more
	defer c.spreading.Unlock()
	if c.socket >= 0 {
		errs = append(errs, unix.Close(c.socket))
		c.socket = -1
	}
	for _, p := range []*ebpf.Program{c.lap, c.entry} {
		errs = append(errs, p.Close())
	}
	for _, m := range []*ebpf.Map{c.adverts, c.loopMap, c.jump} {
		errs = append(errs, m.Close())
	}
	// The mappings stay: whoever still asks for a gate must find memory there.
	return errors.Join(errs...)
}
