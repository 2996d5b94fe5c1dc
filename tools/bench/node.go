package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// Node is a contestant that runs on a host of a lab. Lab.Clear ends it.
type Node struct {
	*testnet.Daemon // Kill9, Pause, Resume, PIDs, CPU, Switches ...
	Contestant      Contestant
	Routers         []Router

	syslog *testnet.Cmd // of a Syslog contestant
	lines  string       // file that it writes
}

// Start starts a contestant with these routers. It does not wait for it.
func (l *Lab) Start(h *testnet.Host, c Contestant, routers []Router) (*Node, error) {
	dir, err := os.MkdirTemp(l.dir, h.Name+"-")
	if err != nil {
		return nil, err
	}
	n := &Node{Contestant: c, Routers: routers, Daemon: &testnet.Daemon{
		Host: h, Kind: c.Kind, Binary: c.Binary, Conf: c.Conf(routers), Dir: dir, Wrap: c.Wrap,
	}}
	if c.Syslog {
		if err := n.startSyslog(); err != nil {
			return nil, err
		}
		n.Daemon.Exec = n.packaged()
	}
	if err := n.Daemon.Start(); err != nil {
		n.end()
		return nil, err
	}
	return n, nil
}

// packaged is the command line of Debian's keepalived.service, with files of
// the node's own. It runs in a mount namespace where /dev/log is the node's:
// there a /dev of its own, since the machine may have no /dev/log to cover.
func (n *Node) packaged() []string {
	const script = `
set -e
mount -t tmpfs -o mode=755 dev /dev
mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/zero c 1 5
mknod -m 666 /dev/random c 1 8; mknod -m 666 /dev/urandom c 1 9
ln -s "$1" /dev/log
shift
exec "$@"
`
	args := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", n.socket(),
		n.Contestant.Binary, "--dont-fork", "-f", filepath.Join(n.Dir, "keepalived.conf"),
		"-p", filepath.Join(n.Dir, "pid"), "-r", filepath.Join(n.Dir, "vrrp.pid")}
	if n.Contestant.Detail {
		args = append(args, "-D")
	}
	return args
}

func (n *Node) socket() string { return filepath.Join(n.Dir, "devlog") }

// Syslog is the process that reads the node's /dev/log; nil where there is none.
func (n *Node) Syslog() *os.Process {
	if n.syslog == nil {
		return nil
	}
	return n.syslog.Process
}

// startSyslog starts this program as the node's syslog daemon: a process of its
// own, as journald is.
func (n *Node) startSyslog() error {
	n.lines = filepath.Join(n.Dir, "syslog")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n.syslog = n.Host.Command(context.Background(), self, syslogWord, n.socket(), n.lines)
	n.syslog.Stderr = os.Stderr
	if err := n.syslog.Start(); err != nil {
		return fmt.Errorf("syslog of %s: %w", n.Host.Name, err)
	}
	if !Wait(context.Background(), patience, func() bool { _, err := os.Stat(n.socket()); return err == nil }) {
		n.end()
		return fmt.Errorf("syslog of %s does not listen", n.Host.Name)
	}
	return nil
}

// Log is what the daemon has written, wherever its lines went.
func (n *Node) Log() string {
	text := n.Daemon.Log()
	if n.lines != "" {
		b, err := os.ReadFile(n.lines)
		if err != nil {
			return text + err.Error()
		}
		text += string(b)
	}
	return text
}

func (n *Node) end() {
	n.Daemon.Kill9()
	if n.syslog != nil {
		_ = n.syslog.Process.Kill() // gone already is as good
		_ = n.syslog.Wait()
		n.syslog = nil
	}
}
