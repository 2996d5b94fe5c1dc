package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/tools/bench/load"
)

// patience is what anything may take beyond what the protocol asks.
const patience = 15 * time.Second

// prefix begins the names of the bench's namespaces.
const prefix = "bench-"

// virtualNet has all addresses of Routers, and none of a host.
var virtualNet = netip.MustParsePrefix("10.99.96.0/19")

// Lab is a bridge with two hosts on which one pair of daemons after the other
// runs, and a third from which a client asks. Every link is a veth in a
// namespace of the lab's own; Close removes all of it.
type Lab struct {
	LAN          *testnet.LAN
	A, B, Client *testnet.Host

	dir string
}

// NewLab builds a lab. There can be one at a time on a machine; one that a
// killed run left is removed.
func (e *Env) NewLab() (*Lab, error) { return e.newLab(prefix) }

// newLab is NewLab with namespaces of another name: for a second one beside it.
func (e *Env) newLab(prefix string) (*Lab, error) {
	spec := testnet.Spec{Prefix: prefix, Hosts: []testnet.HostSpec{{Name: "a"}, {Name: "b"}, {Name: "c"}}, Leftover: e.leftover}
	lan, err := spec.Build()
	if err != nil {
		return nil, err
	}
	// The lock of the LAN's prefix is that of the directory as well.
	dir := "/run/vrrpx-" + prefix + "lab"
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
		return nil, errors.Join(err, lan.Close())
	}
	return &Lab{LAN: lan, A: lan.Host("a"), B: lan.Host("b"), Client: lan.Host("c"), dir: dir}, nil
}

// removeLeft removes what killed runs left, of whichever scenario: namespaces with
// what runs there, and cgroups.
func (e *Env) removeLeft() error {
	errs := []error{load.RemoveLeft()}
	prefixes := []string{prefix}
	for i := range e.contestants {
		prefixes = append(prefixes, soakPrefix(i))
	}
	for _, p := range prefixes {
		if len(testnet.Namespaces(p)) == 0 {
			continue
		}
		lab, err := e.newLab(p) // which begins with that
		if err == nil {
			lab.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// leftover removes what a vrrpx of a killed run keeps outside of its host: in
// /run and in the BPF file system.
func (e *Env) leftover(h *testnet.Host) {
	for _, c := range e.contestants {
		if c.Ours() {
			if out, err := h.Command(context.Background(), c.Binary, "cleanup").CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "bench: vrrpx cleanup on %s, left by a killed run: %v: %s\n", h.Name, err, out)
			}
			return
		}
	}
}

// Close removes the lab, and with it whatever still runs there.
func (l *Lab) Close() {
	if err := errors.Join(l.LAN.Close(), os.RemoveAll(l.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// Clear ends a node and makes its host as it was before: no address but its
// own, nothing of a killed vrrpx in the kernel, its cable plugged in.
func (l *Lab) Clear(n *Node) error {
	n.end()
	if n.Contestant.Ours() {
		// Background: also after an interrupt.
		if out, err := n.Host.Command(context.Background(), n.Contestant.Binary, "cleanup").CombinedOutput(); err != nil {
			return fmt.Errorf("vrrpx cleanup on %s: %w: %s", n.Host.Name, err, out)
		}
	}
	addrs, err := n.Host.Addrs()
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if virtualNet.Contains(a.Addr()) {
			if err := n.Host.DelAddr("eth0", a); err != nil {
				return err
			}
		}
	}
	return errors.Join(l.LAN.Join(n.Host.Name), l.LAN.Unblock(n.Host.Name)) // in this order
}

// Wait polls until pred holds, for at most that long.
func Wait(ctx context.Context, patience time.Duration, pred func() bool) bool {
	return testnet.WaitFor(patience, func() bool { return ctx.Err() != nil || pred() }) && ctx.Err() == nil
}
