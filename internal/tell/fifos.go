package tell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/notify"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/stats"
)

// readerTime is how long the script that reads a FIFO has for the last lines
// before it is sent SIGTERM.
const readerTime = 500 * time.Millisecond

// fifosName is the file, in the run directory, of the FIFOs that we made.
const fifosName = "fifos.json"

// fifos are the FIFOs of the configuration. They know nothing of routers, and
// stay as they are over a reload that names them again. Tell and status are for
// any goroutine; the others for one at a time, and not for the loop's.
type fifos struct {
	log    *slog.Logger
	record string // a file; see ours
	runner *script.Runner

	mu  sync.Mutex
	all []*fifo
}

// fifo is one with the script that reads it.
type fifo struct {
	*notify.FIFO
	path   string
	script script.Command // no Argv: none
	stop   chan struct{}  // of the script
	ended  chan struct{}
}

// Tell writes a line: keepalived's, of an INSTANCE or a GROUP.
func (f *fifos) Tell(kind, name, event string, priority uint8) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.all {
		p.Write(fmt.Sprintf("%s \"%s\" %s %d\n", kind, name, event, priority))
	}
}

// WantedFIFO is one that a configuration names.
type WantedFIFO struct {
	path     string
	uid, gid int
	script   script.Command // no Argv: none
}

// WantedFIFOs resolves the FIFOs of a configuration. It may block, and fails with
// *preflight.ProgramError.
func WantedFIFOs(p *preflight.Programs, g *config.Global) (wanted []WantedFIFO, err error) {
	for _, c := range []config.FIFO{g.NotifyFIFO, g.VRRPNotifyFIFO} {
		if c.Path == "" {
			continue
		}
		who, err := p.User(config.Command{User: c.User, Group: c.Group})
		if err != nil {
			return nil, &preflight.ProgramError{
				Pos: c.Pos, What: "the owner of FIFO " + strconv.Quote(c.Path), Cause: err,
				Hint: "create the user, or name another behind the FIFO or with script_user",
			}
		}
		w := WantedFIFO{path: c.Path, uid: int(who.UID), gid: int(who.GID)}
		if len(c.Script.Argv) > 0 {
			if w.script, err = p.Command(c.Script); err != nil {
				return nil, err
			}
			w.script.Argv = append(w.script.Argv, c.Path)
		}
		wanted = append(wanted, w)
	}
	return wanted, nil
}

// set resolves and applies.
func (f *fifos) set(g *config.Global) error {
	wanted, err := WantedFIFOs(preflight.NewPrograms(g), g)
	if err == nil {
		f.apply(wanted)
	}
	return err
}

// apply brings the FIFOs to a configuration: what it does not name any more is
// closed, what is new opened, the others stay open. A FIFO that cannot be opened
// is a problem that is shown, and no error.
func (f *fifos) apply(configured []WantedFIFO) {
	var wanted []*fifo
	f.mu.Lock()
	had := f.all
	f.mu.Unlock()
	made := f.made()
	for _, c := range configured {
		w := &fifo{path: c.path, script: c.script}
		if at := slices.IndexFunc(had, func(p *fifo) bool { return p.path == w.path }); at >= 0 {
			old := had[at]
			if !sameProgram(old.script, w.script) {
				old.end()
				f.mu.Lock()
				old.script, old.stop, old.ended = w.script, nil, nil
				f.read(old)
				f.mu.Unlock()
			}
			wanted = append(wanted, old)
			continue
		}
		ours := slices.Contains(made, w.path)
		if _, err := os.Lstat(w.path); errors.Is(err, fs.ErrNotExist) && !ours {
			made = append(made, w.path)
			f.keep(made) // before it is there
		}
		w.FIFO = notify.OpenFIFO(notify.FIFOOptions{
			Path: w.path, UID: c.uid, GID: c.gid, Ours: ours,
			Tell: func(err error) { f.log.Warn(err.Error()) },
		})
		f.read(w)
		wanted = append(wanted, w)
	}
	f.mu.Lock()
	f.all = wanted
	f.mu.Unlock()
	for _, p := range had {
		if !slices.Contains(wanted, p) {
			f.shut(p)
		}
	}
	f.keep(slices.DeleteFunc(made, func(path string) bool {
		return !slices.ContainsFunc(wanted, func(p *fifo) bool { return p.path == path }) && removed(path)
	}))
}

// close writes what waits, ends the scripts and removes the FIFOs that we made.
func (f *fifos) close() {
	f.mu.Lock()
	had := f.all
	f.all = nil
	f.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range had {
		all.Go(func() { f.shut(p) })
	}
	all.Wait()
	if f.record != "" {
		_ = os.Remove(f.record)
	}
}

func (f *fifos) shut(p *fifo) {
	if lost := p.Close(stopTime); lost > 0 {
		f.log.Error(fmt.Sprintf("notify FIFO %s: %d lines were never written", p.path, lost))
	}
	if p.ended == nil {
		return
	}
	select {
	case <-p.ended: // it saw the end of the FIFO
	case <-time.After(readerTime):
	}
	p.end()
}

// read starts the script of a FIFO. As with keepalived it is not started again.
func (f *fifos) read(p *fifo) {
	if len(p.script.Argv) == 0 {
		return
	}
	stop, ended, c := make(chan struct{}), make(chan struct{}), p.script
	p.stop, p.ended, c.Stop = stop, ended, stop
	go func() {
		defer close(ended)
		res := f.runner.Run(c)
		select {
		case <-stop:
		default:
			f.log.Warn(fmt.Sprintf("the script %s that reads FIFO %s has ended, and is not started again: %v", c.Argv[0], p.path, res))
		}
	}()
}

// end ends the script and waits for it.
func (p *fifo) end() {
	if p.ended != nil {
		close(p.stop)
		<-p.ended
	}
}

// reading tells whether the script runs.
func (p *fifo) reading() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func sameProgram(a, b script.Command) bool {
	same := func(a, b *script.User) bool {
		return a == b || a != nil && b != nil && a.UID == b.UID && a.GID == b.GID && slices.Equal(a.Groups, b.Groups)
	}
	return slices.Equal(a.Argv, b.Argv) && same(a.User, b.User)
}

// made reads which FIFOs an earlier run has made and, being killed, not removed.
func (f *fifos) made() (paths []string) {
	if b, err := os.ReadFile(f.record); err == nil {
		_ = json.Unmarshal(b, &paths) // half a file is no list: then they stay
	}
	return paths
}

// keep writes down which FIFOs are ours.
func (f *fifos) keep(paths []string) {
	if f.record == "" {
		return
	}
	if len(paths) == 0 {
		_ = os.Remove(f.record)
		return
	}
	b, err := json.Marshal(paths)
	if err == nil {
		err = os.WriteFile(f.record+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(f.record+".new", f.record)
	}
	if err != nil {
		f.log.Warn("a FIFO that we make may be left behind by a kill: " + err.Error())
	}
}

// removed removes a FIFO that we made once; it is true when it has gone.
func removed(path string) bool {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		err = os.Remove(path)
		return err == nil
	}
	return true
}

// CleanupFIFOs removes the FIFOs that a killed daemon has left, by what it wrote down
// in its run directory, and says which.
func CleanupFIFOs(runDir string) (gone []string) {
	f := fifos{record: filepath.Join(runDir, fifosName)}
	for _, path := range f.made() {
		if _, err := os.Lstat(path); err == nil && removed(path) {
			gone = append(gone, path)
		}
	}
	_ = os.Remove(f.record)
	return gone
}

// status is for any goroutine.
func (f *fifos) status() (all []stats.FIFO) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.all {
		s := p.Status()
		all = append(all, stats.FIFO{
			Path: p.path, Written: s.Written, Dropped: s.Dropped, Problem: s.Problem,
			Script: len(p.script.Argv) > 0, ScriptRuns: p.reading(),
		})
	}
	return all
}
