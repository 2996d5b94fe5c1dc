package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/daemon"
	"github.com/vrrpx/vrrpx/internal/dump"
	"github.com/vrrpx/vrrpx/internal/logring"
	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/systemd"
	"github.com/vrrpx/vrrpx/loader"
)

// logSize is how much of the log waits for a slow reader.
const logSize = 1 << 20

// launch is what the daemon is started with, by either of its command lines.
type launch struct {
	cfg           *config.Config
	file, id      string // id: --config-id
	xdp           loader.Mode
	level         slog.Level
	log           []string // targets: stderr, syslog, syslog:FACILITY or a path
	syslogName    string
	pidFiles      []string
	keepAddresses bool
	logConfig     bool
	adjust        func(*config.Config) // what the command line says against the file; may be nil
	notices       []string             // of the command line, for the log
	ready         func()               // may be nil
	hup           chan os.Signal
}

// catchHangups has SIGHUP wait for the daemon: one to a daemon that has not begun
// yet must not end it.
func (l *launch) catchHangups() (stop func()) {
	l.hup = make(chan os.Signal, 1)
	signal.Notify(l.hup, syscall.SIGHUP)
	return func() { signal.Stop(l.hup) }
}

// load reads the file, at the start and for each reload.
func (l *launch) load() (*config.Config, []config.Diagnostic) {
	cfg, diags := config.LoadResting(l.file, l.id, resting())
	if cfg != nil && l.adjust != nil {
		l.adjust(cfg)
	}
	return cfg, diags
}

// path is that of the file for who looks from another directory; empty without a file.
func (l *launch) path() (string, error) {
	if l.file == "" {
		return "", nil
	}
	return filepath.Abs(l.file)
}

// run runs the daemon until ctx ends.
func (l *launch) run(ctx context.Context, e env) error {
	if os.Geteuid() != 0 {
		return hint("run it as root: it opens packet sockets, loads BPF and moves addresses", "not permitted as user %d", os.Geteuid())
	}
	file, err := l.path()
	if err != nil {
		return err
	}
	opts := daemon.Options{
		Config: l.cfg, ConfigFile: file, XDP: l.xdp,
		LogConfig: l.logConfig, KeepAddresses: l.keepAddresses, Ready: l.ready, Reload: l.hup,
	}
	if l.file != "" {
		opts.Load, opts.ConfigID = l.load, l.id
	}
	if opts.RunDir, err = netns.RunDir(); err != nil {
		return err
	}
	if opts.StateDir, err = netns.StateDir(); err != nil {
		return err
	}
	if opts.HistoryDir, err = netns.HistoryDir(); err != nil {
		return err
	}
	if opts.PinDir, err = netns.PinDir(); err != nil {
		return err
	}
	if u := l.cfg.Global.Umask; u != nil {
		syscall.Umask(int(*u))
	}
	removePIDs, err := writePIDs(l.pidFiles)
	if err != nil {
		return err
	}
	defer removePIDs()
	manager, err := systemd.FromEnv()
	if err != nil {
		return err
	}
	defer manager.Close()
	opts.Manager, opts.Watchdog = manager, systemd.WatchdogFromEnv()
	// A log reader that has gone must not take the daemon with it: Go ends a
	// process that writes to a broken stderr unless told otherwise.
	signal.Ignore(syscall.SIGPIPE)
	logs, err := openLogs(e.stderr, l.log, l.syslogName, l.level)
	if err != nil {
		return err
	}
	opts.Log, opts.LogCounts = logs.logger, logs.counts
	for _, n := range l.notices {
		opts.Log.Info(n)
	}
	dumps, stopSignals := dumpSignals(logs)
	defer stopSignals()
	opts.Dumps = dumps
	err = daemon.Run(ctx, opts)
	if err != nil && !logs.stderr {
		opts.Log.Error(err.Error()) // who reads only the log wants to know, too
	}
	logs.close()
	return daemonError(err)
}

// The signals of keepalived, as `keepalived --signum` tells: the real-time ones
// are SIGRTMIN+2 and SIGRTMAX-1 of the C library.
var signals = map[string]syscall.Signal{
	"STOP": syscall.SIGTERM, "RELOAD": syscall.SIGHUP, "DATA": syscall.SIGUSR1, "STATS": syscall.SIGUSR2,
	"STATS_CLEAR": 63, "JSON": 36,
}

// dumpSignals takes the signals that ask for keepalived's files, and SIGHUP for
// the log to be opened anew.
func dumpSignals(logs *logs) (dumps <-chan dump.Kind, stop func()) {
	kinds := map[os.Signal]dump.Kind{
		signals["DATA"]: dump.DataFile, signals["STATS"]: dump.StatsFile,
		signals["STATS_CLEAR"]: dump.StatsClear, signals["JSON"]: dump.JSONFile,
	}
	// Exporters send two at once; more than wait are not told apart from them.
	asked, got := make(chan dump.Kind, 8), make(chan os.Signal, 8)
	signal.Notify(got, signals["DATA"], signals["STATS"], signals["STATS_CLEAR"], signals["JSON"], syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-got:
				kind, ok := kinds[s]
				if !ok {
					logs.reopen()
					continue
				}
				select {
				case asked <- kind:
				default: // a disk hangs; the files that wait will say the same
				}
			}
		}
	}()
	return asked, func() { signal.Stop(got); close(done) }
}

// logs are the targets of the log, each behind a ring of its own: one that
// hangs holds up none of the others.
type logs struct {
	logger *slog.Logger
	rings  []*logring.Ring
	files  []*logring.File
	stderr bool
}

// fileMode of a log file: the log names addresses, but no secret.
const logMode = 0o640

func openLogs(stderr io.Writer, targets []string, name string, level slog.Level) (*logs, error) {
	l := &logs{}
	var handlers []slog.Handler
	for _, target := range targets {
		var w io.Writer
		kind, facility, _ := strings.Cut(target, ":")
		switch {
		case target == "stderr":
			l.stderr, w = true, stderr
			if f, ok := stderr.(*os.File); ok && logring.IsJournal(f) {
				w = logring.Journal(f)
			}
		case kind == "syslog":
			f, err := parseFacility(facility)
			if err != nil {
				return nil, err
			}
			w = logring.Syslog(name, f)
		default:
			f, err := logring.OpenFile(target, logMode)
			if err != nil {
				return nil, hint("its directory must exist, and it must be no symbolic link", "%w", err)
			}
			l.files = append(l.files, f)
			w = f
		}
		r := logring.New(w, logSize)
		l.rings = append(l.rings, r)
		handlers = append(handlers, r.Handler(level))
	}
	l.logger = slog.New(slog.NewMultiHandler(handlers...))
	return l, nil
}

// checkTarget judges a --log before anything is started.
func checkTarget(target string) error {
	kind, facility, _ := strings.Cut(target, ":")
	switch {
	case target == "stderr" || filepath.IsAbs(target):
		return nil
	case kind == "syslog":
		_, err := parseFacility(facility)
		return err
	}
	return usageError{hint("--log is stderr, syslog, syslog:local0 or the path of a file, from /", "no log target: %q", target)}
}

func (l *logs) reopen() {
	for _, f := range l.files {
		f.Reopen()
	}
	if len(l.files) > 0 {
		l.logger.Info("log opened anew")
	}
}

func (l *logs) counts() (written, dropped uint64) {
	for _, r := range l.rings {
		w, d := r.Counts()
		written, dropped = written+w, dropped+d
	}
	return written, dropped
}

// close waits for what is to be written. A log reader that hangs must not keep
// a stopped daemon alive.
func (l *logs) close() {
	end := time.Now().Add(200 * time.Millisecond)
	for _, r := range l.rings {
		_ = r.Close(max(time.Until(end), time.Millisecond))
	}
}

// removeAll removes files, and is silent about those that are gone.
func removeAll(paths []string) {
	for _, p := range paths {
		_ = os.Remove(p)
	}
}

// parseFacility reads a facility of syslog; empty is daemon.
func parseFacility(name string) (syslog.Priority, error) {
	if name == "" {
		name = "daemon"
	}
	f, ok := logring.Facilities[name]
	if !ok {
		return 0, usageError{hint("it is local0 to local7, user or daemon", "no syslog facility: %q", name)}
	}
	return f, nil
}

// writePIDs writes this process's id to each file, and refuses where one names
// another VRRP daemon that lives.
func writePIDs(paths []string) (remove func(), err error) {
	for _, p := range paths {
		if pid, name := livingDaemon(p); pid != 0 {
			return nil, hint(fmt.Sprintf("stop it first: kill %d", pid), "%s (pid %d, of %s) runs already", name, pid, p)
		}
	}
	var written []string
	for _, p := range paths {
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		if err == nil {
			// What is there is replaced, not written to: it may be a symbolic link.
			if err = os.Remove(p); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
		if err == nil {
			err = writeNew(p, fmt.Sprintln(os.Getpid()))
		}
		if err != nil {
			removeAll(written)
			return nil, fmt.Errorf("pid file: %w", err)
		}
		written = append(written, p)
	}
	return func() { removeAll(written) }, nil
}

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// livingDaemon is the process that a pid file names, if it lives and is a VRRP
// daemon by its name; a number that another program has by now is nobody.
func livingDaemon(path string) (pid int, name string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, ""
	}
	if _, err := fmt.Sscan(string(b), &pid); err != nil || pid == os.Getpid() {
		return 0, ""
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	name = strings.TrimSpace(string(comm))
	if err != nil || !strings.HasPrefix(name, "keepalived") && !strings.HasPrefix(name, "vrrpx") {
		return 0, ""
	}
	if st, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(st), ") Z ") {
		return 0, "" // dead, and not reaped
	}
	return pid, name
}
