package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Kind is a VRRP daemon. All but FRR read keepalived.conf.
type Kind string

// The kinds.
const (
	VRRPX      Kind = "vrrpx"
	Keepalived Kind = "keepalived"
	FRR        Kind = "frr" // zebra and vrrpd; see frr.go
)

// programs are what must be there to run a daemon of this kind.
func (k Kind) programs() []string {
	if k == FRR {
		return []string{frrDir + "zebra", frrDir + "vrrpd"}
	}
	return []string{string(k)}
}

// Daemon runs one VRRP daemon on a host. Fill in the fields, then Start; after
// it has ended it can be started again, with another Conf if wanted. The
// process dies with this one. Its methods are for one goroutine.
type Daemon struct {
	Host   *Host
	Kind   Kind
	Binary string   // path, or a name in PATH; empty means the Kind's name
	Conf   string   // text of its configuration: Conf, FRRConf
	Dir    string   // existing directory, this daemon's alone, for its files
	Args   []string // further arguments
	Exec   []string // the whole command line, instead of the kind's; files are in Dir
	Wrap   []string // a command that is given the command line as arguments, as of nice(1)
	Sysfs  bool     // see Cmd

	cmd    *Cmd
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

func (d *Daemon) confFile() string { return filepath.Join(d.Dir, "keepalived.conf") }
func (d *Daemon) logFile() string  { return filepath.Join(d.Dir, "log") }
func (d *Daemon) pidFiles() [2]string {
	return [2]string{filepath.Join(d.Dir, "pid"), filepath.Join(d.Dir, "vrrp.pid")}
}

// Start writes the configuration and starts the process. It does not wait for
// the daemon to be ready, and appends to the log of an earlier run.
func (d *Daemon) Start() error {
	if d.Running() {
		return fmt.Errorf("%s on %s runs already", d.Kind, d.Host.Name)
	}
	if err := os.WriteFile(d.confFile(), []byte(d.Conf), 0o644); err != nil {
		return err
	}
	// As on a machine that was booted: keepalived believes a pid file whose
	// process nobody has reaped yet.
	for _, file := range d.pidFiles() {
		_ = os.Remove(file)
	}
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := d.command()
	cmd.Stdout, cmd.Stderr, cmd.Sysfs = log, log, d.Sysfs
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s on %s: %w", d.Kind, d.Host.Name, err)
	}
	exited := make(chan struct{})
	d.cmd, d.exited = cmd, exited
	go func() {
		d.err = cmd.Wait()
		close(exited)
	}()
	return nil
}

// command: keepalived at its leanest, in the foreground, VRRP only and without
// syslog, whose lines alone can make it a hundred times slower.
func (d *Daemon) command() *Cmd {
	binary, args := d.Binary, []string{"run", "-f", d.confFile()}
	attr := &syscall.SysProcAttr{Setsid: true} // see PIDs
	switch d.Kind {
	case Keepalived:
		pid := d.pidFiles()
		args = []string{"-n", "-l", "-G", "-P", "-f", d.confFile(), "-p", pid[0], "-r", pid[1]}
	case FRR:
		binary, args = "sh", []string{"-c", frrScript, "frr", d.confFile()}
		attr.Cloneflags = frrNamespaces
	}
	if binary == "" {
		binary = string(d.Kind)
	}
	if len(d.Exec) > 0 {
		binary, args = d.Exec[0], d.Exec[1:]
	}
	args = append(slices.Clone(args), d.Args...)
	if len(d.Wrap) > 0 {
		args = append(append(slices.Clone(d.Wrap[1:]), binary), args...)
		binary = d.Wrap[0]
	}
	cmd := d.Host.Command(context.Background(), binary, args...)
	cmd.SysProcAttr = attr
	return cmd
}

// Running tells whether the started process has not ended.
func (d *Daemon) Running() bool {
	if d.cmd == nil {
		return false
	}
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

// PIDs lists the daemon's live processes: all of the session made for it.
func (d *Daemon) PIDs() []int {
	if d.cmd == nil {
		return nil
	}
	return session(d.cmd.Process.Pid)
}

// Stop asks the daemon to end (SIGTERM) and waits up to 10 s. It returns an
// error when the daemon had to be killed or ended with a failure. A daemon
// that does not run is no error.
func (d *Daemon) Stop() error {
	if !d.Running() {
		return nil
	}
	d.Resume() // a stopped process would not see the signal
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-d.exited:
	case <-time.After(10 * time.Second):
		d.Kill9()
		return fmt.Errorf("%s on %s ignored SIGTERM for 10 s", d.Kind, d.Host.Name)
	}
	if d.err != nil {
		return fmt.Errorf("%s on %s ended: %w", d.Kind, d.Host.Name, d.err)
	}
	return nil
}

// Kill9 kills all of the daemon's processes at once, with no farewell, as the
// death of a host would, and waits until they are gone. The addresses of the
// host stay.
func (d *Daemon) Kill9() {
	if d.cmd == nil {
		return
	}
	d.SendKill9()
	<-d.exited
	WaitFor(5*time.Second, func() bool { return len(d.PIDs()) == 0 })
}

// SendKill9 is Kill9 without the wait.
func (d *Daemon) SendKill9() {
	// Stopped first: keepalived's child, told by the kernel of its parent's
	// death, would still send a priority of 0 before its own kill arrives.
	pids := d.PIDs()
	signal(pids, syscall.SIGSTOP)
	signal(pids, syscall.SIGKILL)
}

// Pause stops the daemon's processes (SIGSTOP); Resume lets them go on.
func (d *Daemon) Pause() { signal(d.PIDs(), syscall.SIGSTOP) }

// Resume ends Pause.
func (d *Daemon) Resume() { signal(d.PIDs(), syscall.SIGCONT) }

func signal(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // a process that has just ended needs none
	}
}

// CPU returns the processor time that the daemon's live processes have used,
// in steps of 10 ms.
func (d *Daemon) CPU() (t time.Duration) {
	for _, pid := range d.PIDs() {
		t += cpuTime(pid)
	}
	return t
}

// Switches returns the context switches of the daemon's live threads so far.
func (d *Daemon) Switches() (n uint64) {
	for _, pid := range d.PIDs() {
		n += contextSwitches(pid)
	}
	return n
}

// Log returns what the daemon has written so far.
func (d *Daemon) Log() string {
	b, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	return string(b)
}
