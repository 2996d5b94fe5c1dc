package heldcpu

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Of a Watch. An interrupt takes some microseconds.
const (
	Every = 2 * time.Millisecond // each processor is looked at so often
	Late  = 2 * time.Millisecond // and has stood when the look came so late
)

// A Stand is a time in which a processor took no interrupt: its host held it, or
// its kernel had interrupts off. From is when the first was due, so up to Every of it
// are missing.
type Stand struct {
	CPU      int
	From, To vrrp.Instant
	// Doubtful is one that ended just when a look was due. The kernel leaves out looks
	// that come amid its own bookkeeping of BPF: then the processor took its interrupts.
	Doubtful bool
}

// A Watch sees when processors stand. No process, of whatever priority, delays it.
type Watch struct {
	prog   *ebpf.Program
	last   *ebpf.Map
	ring   *ebpf.Map
	reader *ringbuf.Reader
	cpus   []int
	events []int // of each
	end    chan struct{}
	ended  sync.WaitGroup
}

// NewWatch watches processors until Close. each is called by another goroutine, soon after
// a stand has ended.
func NewWatch(cpus []int, each func(Stand)) (_ *Watch, err error) {
	w := &Watch{cpus: cpus, end: make(chan struct{})}
	defer func() {
		if err != nil {
			w.Close()
			err = fmt.Errorf("cannot watch the processors: %w", err)
		}
	}()
	if w.last, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}); err != nil {
		return nil, err
	}
	if w.ring, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.RingBuf, MaxEntries: 1 << 18}); err != nil {
		return nil, err
	}
	if w.reader, err = ringbuf.NewReader(w.ring); err != nil {
		return nil, err
	}
	if w.prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.PerfEvent, License: "GPL", Instructions: look(w.last, w.ring)}); err != nil {
		return nil, err
	}
	for _, cpu := range cpus {
		event, err := interrupt(cpu, Every, w.prog)
		if err != nil {
			return nil, err
		}
		w.events = append(w.events, event)
	}
	w.ended.Go(func() { w.read(each) })
	w.ended.Go(w.renew)
	return w, nil
}

// renew makes the events anew, again and again: one of an idle processor, which has no tick,
// is throttled after as many samples as a tick may have (perf_event_max_sample_rate
// 100,000 and 250 ticks a second: 400).
func (w *Watch) renew() {
	tick := time.NewTicker(100 * Every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-w.end:
			return
		case <-tick.C:
		}
		i := n % len(w.cpus)
		if event, err := interrupt(w.cpus[i], Every, w.prog); err == nil { // else the old one goes on
			_ = unix.Close(w.events[i])
			w.events[i] = event
		}
	}
}

// look is the program: it tells when it came late.
func look(last, ring *ebpf.Map) asm.Instructions {
	const cpuAt, fromAt, toAt, size = -24, -16, -8, 24
	return asm.Instructions{
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.LoadMapPtr(asm.R1, last.FD()),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "done"),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.FnKtimeGetNs.Call(),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.LoadMem(asm.R6, asm.R7, 0, asm.DWord),
		asm.StoreMem(asm.R7, 0, asm.R8, asm.DWord),
		asm.JEq.Imm(asm.R6, 0, "done"),
		asm.Add.Imm(asm.R6, int32(Every)), // when it should have come
		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Add.Imm(asm.R1, int32(Late)),
		asm.JLT.Reg(asm.R8, asm.R1, "done"),
		asm.FnGetSmpProcessorId.Call(),
		asm.StoreMem(asm.RFP, cpuAt, asm.R0, asm.DWord),
		asm.StoreMem(asm.RFP, fromAt, asm.R6, asm.DWord),
		asm.StoreMem(asm.RFP, toAt, asm.R8, asm.DWord),
		asm.LoadMapPtr(asm.R1, ring.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -size),
		asm.Mov.Imm(asm.R3, size),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("done"),
		asm.Return(),
	}
}

func (w *Watch) read(each func(Stand)) {
	for {
		r, err := w.reader.Read()
		if err != nil {
			return // closed
		}
		native := binary.NativeEndian
		from, to := vrrp.Instant(native.Uint64(r.RawSample[8:])), vrrp.Instant(native.Uint64(r.RawSample[16:]))
		each(Stand{int(native.Uint64(r.RawSample)), from, to, onTime(to.Sub(from))})
	}
}

// onTime tells whether a look came when one was due.
func onTime(late time.Duration) bool { return late%Every < Every/20 || late%Every > Every-Every/20 }

// Close ends the watch: each is not called any more.
func (w *Watch) Close() error {
	var errs []error
	close(w.end)
	if w.reader != nil {
		errs = append(errs, w.reader.Close())
	}
	w.ended.Wait()
	for _, event := range w.events {
		errs = append(errs, unix.Close(event))
	}
	for _, c := range []interface{ Close() error }{w.prog, w.last, w.ring} {
		errs = append(errs, c.Close()) // of nil too
	}
	return errors.Join(errs...)
}
