package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/sched"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// System is the host that this process runs on, in its network namespace.
type System struct {
	// Daemon asks the running vrrpx; nil, nil where none runs.
	Daemon func(context.Context) (*stats.Status, error)
}

var _ Host = (*System)(nil)

// ReadFile is os.ReadFile.
func (*System) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

// Readlink is os.Readlink.
func (*System) Readlink(path string) (string, error) { return os.Readlink(path) }

// Glob is filepath.Glob of a good pattern.
func (*System) Glob(pattern string) []string {
	found, _ := filepath.Glob(pattern)
	return found
}

// runTime bounds a program: a ruleset of many thousand elements takes a second.
const runTime = 15 * time.Second

// Run runs a program of PATH, or of where administrators' ones are.
func (*System) Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if err != nil {
			path, err = exec.LookPath(dir + name)
		}
	}
	if err != nil {
		return nil, exec.ErrNotFound
	}
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		line, _, _ := strings.Cut(string(bytes.TrimSpace(exit.Stderr)), "\n")
		return nil, fmt.Errorf("%w: %s", err, line)
	}
	return out, err
}

// Release is that of uname -r.
func (*System) Release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "of unknown version"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Features is loader.Features.
func (*System) Features() []loader.Feature { return loader.Features() }

// Realtime makes a thread a real-time one that is gone thereafter.
func (*System) Realtime() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := sched.MakeRealtime(0)
		if err == nil {
			err = sched.MakeOrdinary(0, 0)
		}
		if err != nil {
			err = fmt.Errorf("SCHED_RR: %w", err)
		}
		done <- err
	}()
	return <-done
}

// Synchronised asks the kernel (adjtimex).
func (*System) Synchronised() (bool, error) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, err
	}
	return t.Status&unix.STA_UNSYNC == 0, nil
}

// Status asks Daemon.
func (s *System) Status(ctx context.Context) (*stats.Status, error) { return s.Daemon(ctx) }

// What Listen keeps at most: a flood is told of, not kept.
const (
	maxFrames = 50000
	maxOctets = 64 << 20
)

// Listen hears through packet sockets, as a member of the groups. It needs
// CAP_NET_RAW.
func (*System) Listen(ctx context.Context, ears []Ear, d time.Duration) (frames []Frame, err error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var fds []unix.PollFd
	var listeners []*netio.Listener
	for _, e := range ears {
		l, err := netio.OpenListener(e.Link.Index)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Link.Name, err)
		}
		defer l.Close()
		for _, g := range e.Groups {
			m, err := netio.Join(e.Link.Index, g)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.Link.Name, err)
			}
			defer m.Close()
		}
		listeners = append(listeners, l)
		fds = append(fds, unix.PollFd{Fd: int32(l.FD()), Events: unix.POLLIN})
	}
	octets := 0
	for ctx.Err() == nil {
		const look = 50 // ms
		if _, err := unix.Poll(fds, look); err != nil && err != unix.EINTR {
			return frames, fmt.Errorf("poll: %w", err)
		}
		for i, l := range listeners {
			err := l.Drain(func(at vrrp.Instant, b []byte) {
				if octets += len(b); len(frames) < maxFrames && octets < maxOctets {
					frames = append(frames, Frame{On: ears[i].Link.Name, At: at, Bytes: bytes.Clone(b)})
				}
			})
			if err != nil {
				return frames, fmt.Errorf("%s: %w", ears[i].Link.Name, err)
			}
		}
	}
	return frames, nil
}

// RFC 5227 section 1.1 has three probes, some seconds apart, so that they are heard
// on LANs that have just come up. Ours has been up.
const (
	probeNum  = 3
	probeRest = 250 * time.Millisecond
	probeWait = 600 * time.Millisecond // after the last
)

// Probe sends ARP probes and neighbour solicitations. It needs CAP_NET_RAW and
// CAP_NET_ADMIN.
func (*System) Probe(ctx context.Context, probes []Probe) ([]Answer, error) {
	var mu sync.Mutex
	var answers []Answer
	frames := map[string][][]byte{}
	senders := map[string]*netio.Sender{}
	for _, p := range probes {
		name := p.Link.Name
		if senders[name] == nil {
			s, err := netio.OpenSender(p.Link.Index)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			defer s.Close()
			n, err := netio.OpenNeighbours(p.Link.Index, func(h netio.HeldFrame) {
				mac := h.MAC
				if mac == [6]byte{} {
					mac = h.Source
				}
				mu.Lock()
				defer mu.Unlock()
				if !h.Question && len(answers) < maxFrames {
					answers = append(answers, Answer{name, h.Addr, mac})
				}
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			defer n.Close()
			senders[name] = s
		}
		if f := netio.ProbeFrame(net.HardwareAddr(p.Link.MAC[:]), linkLocal(p.Link), p.Addr); f != nil {
			frames[name] = append(frames[name], f)
		}
	}
	for range probeNum {
		for name, s := range senders {
			for i, f := range frames[name] {
				_ = s.Send(f) // one that is lost is sent again
				if i%32 == 31 {
					time.Sleep(time.Millisecond)
				}
			}
		}
		if !rest(ctx, probeRest) {
			return nil, ctx.Err()
		}
	}
	if !rest(ctx, probeWait-probeRest) {
		return nil, ctx.Err()
	}
	mu.Lock()
	defer mu.Unlock()
	return answers, nil
}

// rest waits; false when ctx has ended.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// linkLocal is an address that a solicitation may come from; not valid for none.
func linkLocal(l Link) netip.Addr {
	for _, a := range l.Addresses {
		if a.Addr().Is6() && a.Addr().IsLinkLocalUnicast() && !a.Tentative && !a.Duplicate {
			return a.Addr()
		}
	}
	return netip.Addr{}
}
