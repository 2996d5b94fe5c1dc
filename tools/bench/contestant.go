package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// Contestant is a daemon and the way it is run.
type Contestant struct {
	Name    string // in tables and CSV
	Kind    testnet.Kind
	Binary  string
	Lines   []string // further lines of every vrrp_instance
	Globals []string // further lines of global_defs
	Syslog  bool     // as a package runs it: log lines to /dev/log
	Detail  bool     // and -D
	Wrap    []string // a command that is given the daemon's as arguments: testnet.Daemon
	Only    bool     // runs only where a scenario or -contestants names it
}

// Ours tells whether it is vrrpx.
func (c Contestant) Ours() bool { return c.Kind == testnet.VRRPX }

// The names.
const (
	vrrpx          = "vrrpx"
	vrrpxTakeover  = "vrrpx kernel takeover"
	vrrpxOrdinary  = "vrrpx ordinary priority" // that, and it may not be SCHED_RR
	keepalivedLean = "keepalived -G"
	keepalivedRT   = "keepalived -G realtime"
	keepalivedPkg  = "keepalived packaged"
	keepalivedD    = "keepalived -D"
)

// contestants are all that this machine can run. keepalived is in the race
// twice: at its leanest (no syslog), and as Debian's unit starts it,
// `keepalived --dont-fork` with syslog. `-D` as well is what other
// distributions' packages add; it is there to be named. vrrpx takes a realtime
// priority and locks its memory by itself; a keepalived that is configured to
// do the same is there where that matters.
func contestants(vrrpxProgram, keepalivedProgram string) ([]Contestant, error) {
	for _, program := range []string{vrrpxProgram, keepalivedProgram} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, err
		}
	}
	cs := []Contestant{
		{Name: vrrpx, Kind: testnet.VRRPX, Binary: vrrpxProgram},
		{Name: vrrpxTakeover, Kind: testnet.VRRPX, Binary: vrrpxProgram, Lines: []string{"vrrpx_kernel_takeover"}, Only: true},
		{Name: vrrpxOrdinary, Kind: testnet.VRRPX, Binary: vrrpxProgram, Lines: []string{"vrrpx_kernel_takeover"}, Wrap: []string{"setpriv", "--inh-caps=-sys_nice", "--bounding-set=-sys_nice"}, Only: true},
		{Name: keepalivedLean, Kind: testnet.Keepalived, Binary: keepalivedProgram},
		{Name: keepalivedRT, Kind: testnet.Keepalived, Binary: keepalivedProgram, Globals: []string{"vrrp_rt_priority 49", "vrrp_no_swap"}, Only: true},
		{Name: keepalivedPkg, Kind: testnet.Keepalived, Binary: keepalivedProgram, Syslog: true},
		{Name: keepalivedD, Kind: testnet.Keepalived, Binary: keepalivedProgram, Syslog: true, Detail: true, Only: true},
	}
	var able []Contestant
	for _, c := range cs {
		if c.Ours() && len(c.Lines)+len(c.Globals) > 0 {
			if err := c.check(); err != nil {
				fmt.Fprintf(os.Stderr, "bench: without %q: %v\n", c.Name, err)
				continue
			}
		}
		able = append(able, c)
	}
	return able, nil
}

// check asks vrrpx whether it knows the contestant's keywords.
func (c Contestant) check() error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(file, []byte(c.Conf(Routers(1, 1, 100, time.Second))), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command(c.Binary, "check", "--host", "off", "-f", file).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
