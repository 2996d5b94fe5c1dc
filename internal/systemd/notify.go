// Package systemd tells the service manager how the daemon fares: sd_notify(3)
// and the watchdog (sd_watchdog_enabled(3)). Without a manager all of it does
// nothing.
package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// Notifier sends to the manager's socket. A nil Notifier sends nothing.
type Notifier struct{ conn *net.UnixConn }

// sendTime bounds a send: the manager's socket may be full.
const sendTime = time.Second

// FromEnv connects to $NOTIFY_SOCKET, and takes the variable away, so that no
// script of ours speaks for us. It returns nil without one.
func FromEnv() (*Notifier, error) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil, nil
	}
	_ = os.Unsetenv("NOTIFY_SOCKET") // fails for an empty name only
	if path[0] != '/' && path[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET %q: expected a path or an abstract name (@)", path)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return &Notifier{conn}, nil
}

// Send sends one message, assignments with newlines between them, such as
// READY=1. It waits up to a second.
func (n *Notifier) Send(message string) error {
	if n == nil {
		return nil
	}
	if err := n.conn.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	_, err := n.conn.Write([]byte(message))
	return err
}

// Close closes the socket.
func (n *Notifier) Close() {
	if n != nil {
		_ = n.conn.Close()
	}
}

// WatchdogFromEnv is how long the manager waits for a sign of life before it
// kills the process (WATCHDOG_USEC); 0 when it does not, or not for us.
func WatchdogFromEnv() time.Duration {
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	for _, name := range []string{"WATCHDOG_USEC", "WATCHDOG_PID"} {
		_ = os.Unsetenv(name)
	}
	if err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	return time.Duration(usec) * time.Microsecond
}

// Watch gives a sign of life three times in each limit, until ctx ends. Each
// time it first waits for alive, for as long as that takes: a process whose
// work has come to a stop gives none, and is killed.
func (n *Notifier) Watch(ctx context.Context, limit time.Duration, alive func(context.Context) error) {
	if n == nil || limit <= 0 {
		return
	}
	tick := time.NewTicker(limit / 3)
	defer tick.Stop()
	for {
		if alive(ctx) == nil && ctx.Err() == nil {
			_ = n.Send("WATCHDOG=1") // if the manager does not take it, it will act
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
