package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// exitCode is an error that has been told to the user and ends the program with
// a code.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// Marks in the environment of the program started again.
const (
	detachedMark  = "VRRPX_DETACHED"  // the child in the background
	namespaceMark = "VRRPX_NAMESPACE" // started in the network namespace of this name
)

// readyFD is where the child in the background says that it runs: the first of
// exec.Cmd.ExtraFiles.
const readyFD = 3

// took takes a mark out of the environment, so that no script inherits it.
func took(mark string) string {
	v := os.Getenv(mark)
	_ = os.Unsetenv(mark) // fails for an empty name only
	return v
}

// detached runs the daemon in the background, in a session of its own: a
// process with threads cannot fork, so the program starts itself anew. The
// parent ends when the child runs, or with its error and exit code.
func detached(ctx context.Context, e env, l *launch) error {
	if took(detachedMark) == "" {
		return detach(ctx, e)
	}
	ready := os.NewFile(readyFD, "ready")
	unix.CloseOnExec(readyFD)
	if err := os.Chdir("/"); err != nil {
		return err
	}
	l.ready = func() {
		// Nobody reads our stderr from here on.
		if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
			_ = unix.Dup3(int(null.Fd()), 2, 0)
			null.Close()
		}
		_, _ = ready.Write([]byte{1}) // a parent that was killed needs no answer
		ready.Close()
	}
	return l.run(ctx, e)
}

func detach(ctx context.Context, e env) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	said, ready, err := os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	defer ready.Close()
	text, toText, err := os.Pipe()
	if err != nil {
		return err
	}
	defer text.Close()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), detachedMark+"=1")
	cmd.Stderr, cmd.ExtraFiles = toText, []*os.File{ready}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	toText.Close()
	ready.Close()
	if err != nil {
		return err
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		_, _ = io.Copy(e.stderr, text) // ends when the child is ready or dead
	}()
	runs := make(chan bool, 1)
	go func() {
		n, _ := said.Read(make([]byte, 1))
		runs <- n == 1
	}()
	select {
	case ok := <-runs:
		if ok {
			return nil
		}
	case <-ctx.Done():
		_ = cmd.Process.Signal(syscall.SIGTERM) // ended by now, or it ends
	}
	err = cmd.Wait()
	<-told
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exitCode(exit.ExitCode())
	}
	if err == nil {
		err = errors.New("the daemon ended before it ran")
	}
	return err
}

// enterNamespace starts the program anew in a network namespace of
// /run/netns, unless it is there: all threads of a process have to be in one,
// and this one has several. An empty name is where it is.
func enterNamespace(name string) error {
	if at := took(namespaceMark); name == "" || at == name {
		return nil
	}
	path := filepath.Join("/run/netns", name)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ns, err := netns.GetFromPath(path)
	if err != nil {
		return hint("ip netns add "+name+" makes it", "network namespace %s: %w", name, err)
	}
	runtime.LockOSThread() // the thread that calls execve decides
	defer runtime.UnlockOSThread()
	if err := netns.Set(ns); err != nil {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	err = syscall.Exec(self, os.Args, append(os.Environ(), namespaceMark+"="+name))
	return fmt.Errorf("start in network namespace %s: %w", name, err)
}

// allowCore lets a crash leave a core file (keepalived --core-dump).
func allowCore() {
	debug.SetTraceback("crash")
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) // root may
}
