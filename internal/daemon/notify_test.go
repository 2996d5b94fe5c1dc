package daemon

import (
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/script"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/vrrp"
)

// heard notes the programs that a router would run.
type heard struct{ lines []string }

func (n *heard) Tell(name string, commands ...script.Command) {
	for _, c := range commands {
		n.lines = append(n.lines, name+": "+strings.Join(c.Argv, " "))
	}
}

func program(words ...string) *script.Command { return &script.Command{Argv: words} }

func TestTransitionsAreToldWithKeepalivedsArguments(t *testing.T) {
	g := newRig(t, true, nil)
	n := &heard{}
	g.r.out.news.Notifier = n
	g.r.tells = tell.Programs{
		Master: program("/m", "a"), Backup: program("/b"), Fault: program("/f"), Stop: program("/s"),
		Any: program("/any", "x"), Lower: program("/lower"),
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(n.lines, want) {
			t.Errorf("%s: told %q\nwant %q", what, n.lines, want)
		}
		n.lines = nil
	}
	g.down(37 * ms)
	g.round(37 * ms)
	expect("takeover", "VI_1: /m a", "VI_1: /any x INSTANCE VI_1 MASTER 100")
	g.master(38*ms, 50)
	g.round(38 * ms)
	expect("a lower master", "VI_1: /lower")
	g.master(40*ms, 200)
	g.round(40 * ms)
	expect("a better master", "VI_1: /b", "VI_1: /any x INSTANCE VI_1 BACKUP 100")
	g.r.track(&watched{state: 1}, config.Weight{N: 7})
	g.r.reprioritise(g.at(41 * ms))
	expect("another priority")
	g.r.step(g.at(42*ms), vrrp.Fault{Cause: "x", Active: true})
	expect("fault", "VI_1: /f", "VI_1: /any x INSTANCE VI_1 FAULT 107")
	g.r.step(g.at(43*ms), vrrp.Shutdown{})
	expect("stop", "VI_1: /s", "VI_1: /any x INSTANCE VI_1 STOP 107")
}

func TestNobodyIsToldWhereNoProgramIsNamed(t *testing.T) {
	g := newRig(t, true, nil)
	g.down(37 * ms)
	g.round(37 * ms) // out.news.Notifier is nil: a call would panic
	g.want(vrrp.Master)
}
