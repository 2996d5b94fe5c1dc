package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/load"
	"github.com/vrrpx/vrrpx/tools/bench/meter"
	"github.com/vrrpx/vrrpx/vrrp"
)

// ladder puts a master, and then a backup, under one stress after the other.
type ladder struct{}

func (ladder) Name() string { return "ladder" }

// ladderInterval is that of the adverts: the shortest that VRRP has.
const ladderInterval = 10 * time.Millisecond

// ladderDown is the backup's master-down interval.
var ladderDown = MasterDown(3, backupPriority, ladderInterval)

// shortUp is for how long an ideal master advertises before it falls silent again.
const shortUp = 300 * time.Millisecond

// step is one rung with one contestant on one side.
type step struct {
	stress     stress
	contestant Contestant
	side       string // "master" or "backup"
	skipped    string // why the stress could not be made here
	pacing     pacing
	notes      []string
	void       string // why what was measured does not count
	spoiled    int    // how often the pair was started again

	// On the master's side:
	from    vrrp.Instant    // the stress, or the stop, began
	to      vrrp.Instant    // it ended, or after a stop the look at the wire
	at      []vrrp.Instant  // the master's adverts between
	gaps    []time.Duration // before each of them, and the open one at the end
	holding meter.Holding
	last    time.Duration // of the master before anyone else, past the stop
	again   time.Duration // of the backup, first, past the stop; 0: never

	// On the backup's side:
	takeovers meter.Takeovers

	seen    seen // while it was measured
	changes []meter.Change
}

// The sides.
const (
	onMaster = "master"
	onBackup = "backup"
)

func (l ladder) Run(ctx context.Context, env *Env) (*Report, error) {
	lab, err := env.NewLab()
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	w := startWitness()
	defer w.stop()
	var steps []step
	also := []string{vrrpxTakeover}
	if !env.Quick {
		also = append(also, keepalivedRT)
	}
	for n, s := range env.rungs {
		for _, side := range []string{onMaster, onBackup} {
			for _, c := range rotate(env.Contestants(also...), n) {
				switch {
				case c.Name == vrrpxTakeover && side == onMaster: // no other than vrrpx there
					continue
				case env.Quick && c.Syslog && len(env.named) == 0:
					continue
				}
				st := step{stress: s, contestant: c, side: side}
				if err := l.climb(ctx, env, lab, &st); err != nil {
					return nil, fmt.Errorf("%s on the %s, %s: %w", s.name, side, c.Name, err)
				}
				steps = append(steps, st)
			}
		}
		env.Progress("%s", s.name)
	}
	seen, err := w.seen(ctx)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		steps[i].seen = seen.between(steps[i].from, steps[i].to)
	}
	return ladderReport(steps)
}

// pickRungs chooses the stresses with these names, which commas part, or those of
// a full or a quick run.
func (e *Env) pickRungs(names string) error {
	quick := []string{"SCHED_FIFO", "memory", "CPU quota", "stopped 2 s", "hung log", "fork storm"}
	wanted := stressNames()
	if names != "" {
		wanted = strings.Split(names, ",")
	} else if e.Quick {
		wanted = quick
	}
	for _, s := range stresses() {
		if i := slices.Index(wanted, s.name); i >= 0 {
			e.rungs = append(e.rungs, s)
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return fmt.Errorf("no rung %q; there are: %s", wanted[0], strings.Join(stressNames(), ", "))
	}
	return nil
}

// climb runs one step. A stress that this machine does not have is noted.
func (l ladder) climb(ctx context.Context, env *Env, lab *Lab, st *step) (err error) {
	v := &victim{lab: lab, contestant: st.contestant}
	if v.dir, err = os.MkdirTemp(lab.dir, "stress-"); err != nil {
		return err
	}
	defer func() {
		st.notes, st.void = v.notes, v.void
		err = errors.Join(err, v.close())
	}()
	if st.stress.ready != nil {
		if err := st.stress.ready(v); err != nil {
			st.skipped = err.Error()
			return nil
		}
	}
	if st.side == onMaster {
		return l.master(ctx, env, v, st)
	}
	return l.backup(ctx, env, v, st)
}

// master puts the master of a pair under the stress.
func (ladder) master(ctx context.Context, env *Env, v *victim, st *step) (err error) {
	var p *Pair
	if st.spoiled, err = Retry(func() error {
		p, err = v.lab.PairOf(ctx, v.contestant, st.contestant, 1, 1, ladderInterval)
		return err
	}); err != nil {
		return err
	}
	defer func() {
		v.end()
		err = errors.Join(err, p.Close())
	}()
	v.node = p.Master
	if st.pacing, err = p.Master.pacing(ctx); err != nil {
		return err
	}
	st.from = testnet.Now()
	after := settling
	if st.stress.pause > 0 {
		p.Master.Pause()
		err = Sleep(ctx, st.stress.pause)
		p.Master.Resume()
		after = 1500 * time.Millisecond // who takes over and who comes back
	} else {
		d := time.Duration(env.Pick(1500, 10_000)) * time.Millisecond
		if st.stress.begin != nil {
			if err := st.stress.begin(ctx, v, d+10*time.Second); err != nil {
				return err
			}
		}
		err = Sleep(ctx, d)
	}
	if err != nil {
		return err
	}
	to := testnet.Now()
	v.end()
	if err := Sleep(ctx, after); err != nil {
		return err
	}
	if st.stress.pause > 0 {
		to = testnet.Now()
	}
	frames, err := p.Wire.Frames()
	if err != nil {
		return err
	}
	if !p.Backup.Running() {
		return whyNot(ctx, "the backup has ended", p.Backup)
	}
	if !p.Master.Running() {
		v.fail("the daemon has ended")
	}
	st.judge(p.announced(frames), to)
	return nil
}

// judge reads the wire of a step on the master's side. The adverts are all since
// before the stress; to is its end.
func (st *step) judge(ads []meter.Advert, to vrrp.Instant) {
	mine := of(ads, fromA)
	st.to = to
	st.gaps = meter.GapsBetween(mine, st.from, to)
	for _, at := range mine {
		if at > st.from && at < to {
			st.at = append(st.at, at)
		}
	}
	st.holding = meter.HoldingOf(ads, ladderDown)
	st.changes = meter.ChangesOf(ads, ladderDown)
	for _, ad := range ads {
		if ad.Host == fromB && ad.At > st.from {
			st.again = ad.At.Sub(st.from)
			break
		}
		if ad.Host == fromA {
			st.last = ad.At.Sub(st.from)
		}
	}
}

// backup puts a backup under the stress, beside a master that no stress
// reaches and that falls silent again and again.
func (ladder) backup(ctx context.Context, env *Env, v *victim, st *step) (err error) {
	lab := v.lab
	wire, err := lab.Capture()
	if err != nil {
		return err
	}
	defer wire.Close()
	frame, err := advertFrame(lab.A, Routers(1, 1, masterPriority, ladderInterval)[0])
	if err != nil {
		return err
	}
	const limit = time.Minute
	master, err := load.Master(ctx, load.Options{Host: lab.A, Frames: [][]byte{frame}}, ladderInterval, cmp.Or(st.stress.up, shortUp), env.Pick(2, 10), urgentPriority, limit)
	if err != nil {
		return err
	}
	defer master.Stop()
	node, err := lab.Start(lab.B, v.contestant, Routers(1, 1, backupPriority, ladderInterval))
	if err != nil {
		return err
	}
	v.node = node
	defer func() {
		v.end()
		err = errors.Join(err, lab.Clear(node))
	}()
	// Its log may be where nobody looks.
	if err := Sleep(ctx, 1500*time.Millisecond); err != nil {
		return err
	}
	if !node.Running() {
		return whyNot(ctx, "the backup has ended", node)
	}
	if st.pacing, err = node.pacing(ctx); err != nil {
		return err
	}
	st.from = testnet.Now()
	if st.stress.pause > 0 {
		node.Pause()
		err = Sleep(ctx, st.stress.pause)
		node.Resume()
		if err == nil {
			err = Sleep(ctx, 500*time.Millisecond)
		}
	} else {
		if st.stress.begin != nil {
			if err := st.stress.begin(ctx, v, limit); err != nil {
				return err
			}
		}
		master.Begin()
		_, err = master.Wait(ctx)
	}
	if err != nil {
		return err
	}
	v.end()
	frames, err := wire.Frames()
	if err != nil {
		return err
	}
	if !node.Running() {
		v.fail("the daemon has ended")
	}
	st.to = testnet.Now()
	st.takeovers = meter.TakeoversOf(within(lab.announced(frames), st.from, st.to), fromA, fromB, ladderDown, load.Patience)
	return nil
}
