package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Cmd is an exec.Cmd whose process starts in a host's namespace and is killed
// by the kernel when this process ends.
type Cmd struct {
	*exec.Cmd
	// Sysfs gives the process its own mount namespace with a /sys that shows
	// the host's interfaces, as `ip netns exec` does. A BPF file system that
	// is mounted stays in reach. Set it before Start.
	Sysfs bool

	host *Host
	done chan struct{}
}

// Command prepares a command; its fields and methods are those of exec.Cmd.
func (h *Host) Command(ctx context.Context, name string, args ...string) *Cmd {
	return &Cmd{Cmd: exec.CommandContext(ctx, name, args...), host: h, done: make(chan struct{})}
}

// Start starts the process from a thread that is in the namespace and that
// lives until Wait returns: the death signal is tied to the parent thread, not
// to the parent process (PR_SET_PDEATHSIG(2const)).
func (c *Cmd) Start() error {
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		started <- c.startHere()
		<-c.done
	}()
	err := <-started
	if err != nil {
		close(c.done)
	}
	return err
}

func (c *Cmd) startHere() error {
	if err := netns.Set(c.host.ns); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", c.host.Namespace, err)
	}
	if c.Sysfs {
		if err := freshSysfs(); err != nil {
			return fmt.Errorf("own /sys for %s: %w", c.host.Namespace, err)
		}
	}
	return c.Cmd.Start()
}

// freshSysfs gives the thread a mount namespace of its own, and there a sysfs
// of the thread's network namespace with the old BPF file system on it.
func freshSysfs() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return err
	}
	const bpffs = "/sys/fs/bpf"
	var st unix.Statfs_t
	tree := -1
	if unix.Statfs(bpffs, &st) == nil && st.Type == unix.BPF_FS_MAGIC {
		var err error
		tree, err = unix.OpenTree(unix.AT_FDCWD, bpffs, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return fmt.Errorf("open_tree %s: %w", bpffs, err)
		}
		defer unix.Close(tree)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return err
	}
	if tree < 0 {
		return nil
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, bpffs, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// Wait is exec.Cmd.Wait.
func (c *Cmd) Wait() error {
	err := c.Cmd.Wait()
	if c.ProcessState != nil {
		select {
		case <-c.done: // a second Wait, which exec.Cmd has answered with an error
		default:
			close(c.done)
		}
	}
	return err
}

// Run is exec.Cmd.Run.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output is exec.Cmd.Output, but the error text of the process becomes part of
// the error.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("testnet: Output with Stdout or Stderr set")
	}
	var out, text bytes.Buffer
	c.Stdout, c.Stderr = &out, &text
	err := c.Run()
	if err != nil && text.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(text.Bytes()))
	}
	return out.Bytes(), err
}

// CombinedOutput is exec.Cmd.CombinedOutput.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("testnet: CombinedOutput with Stdout or Stderr set")
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.Bytes(), err
}
