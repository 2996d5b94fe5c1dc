package script

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"github.com/vrrpx/vrrpx/internal/sched"
)

// spawn is one start that the spawner is asked for.
type spawn struct {
	command Command
	started chan<- started
}

type started struct {
	pid   int
	pidfd int
	err   error
}

// spawner starts programs from a thread whose children are of ordinary priority:
// they would inherit its policy, and this process's threads are realtime
// (sched.Realtime). The thread lives as long as the process, which
// the death signal of its children is tied to (PR_SET_PDEATHSIG(2const)).
func (r *Runner) spawner() {
	runtime.LockOSThread()       // never unlocked
	_ = sched.OrdinaryChildren() // it cannot be refused, since it asks for less
	for s := range r.spawns {
		var is started
		is.pid, is.pidfd, is.err = s.command.start()
		s.started <- is
	}
}

// start forks and executes. The program has the null device for its input and
// outputs, and a process group of its own, so that it can be ended with all
// that it has started.
func (c *Command) start() (pid, pidfd int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, -1, err
	}
	defer null.Close()
	fd := null.Fd()
	attr := &syscall.ProcAttr{
		Dir: "/", Env: c.Env, Files: []uintptr{fd, fd, fd},
		Sys: &syscall.SysProcAttr{Setpgid: true, PidFD: &pidfd},
	}
	if !c.Outlives {
		attr.Sys.Pdeathsig = syscall.SIGTERM
	}
	if c.User != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID, Groups: c.User.Groups}
	}
	pid, err = syscall.ForkExec(c.Argv[0], c.Argv, attr)
	if err != nil {
		return 0, -1, fmt.Errorf("%s: %w", strconv.Quote(c.Argv[0]), err)
	}
	return pid, pidfd, nil
}
