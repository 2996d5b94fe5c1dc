package config

import (
	"net/netip"
	"slices"
	"time"
)

// SplitBrain is split_brain: what a router does to find out that two hosts hold
// its addresses, and about it. The keyword is vrrpx's own.
type SplitBrain struct {
	Pos Pos

	// Probe is the peer, asked by other means than VRRP: by ICMP echo, or with a
	// ProbePort by a TCP connection. Not valid: nobody is.
	Probe     netip.Addr
	ProbePort uint16
	// Source and SourceInterface say where from; at most one of them is set.
	Source            netip.Addr
	SourceInterface   string
	Interval, Timeout time.Duration // of the probe, 10 ms to 1 h; Timeout not above Interval
	Count             int           // answers, or failures, in a row that turn the verdict, 1 to 100

	// ARPProbe is how often a MASTER asks whether another answers for its
	// addresses: 0 for never, else 100 ms to 1 h; never 0 with ActionYield.
	ARPProbe time.Duration

	Action SplitAction
	// With ActionScript: the program, how long it may take, and whether a
	// takeover waits for it, and goes on if it fails.
	Script        Command
	ScriptTimeout time.Duration // 1 s to 1 h
	Wait, GoOn    bool
}

// SplitAction is what is done about a split brain beside the alarm.
type SplitAction uint8

// The actions.
const (
	ActionAlarm  SplitAction = iota
	ActionYield              // of two MASTERs one goes
	ActionScript             // a program is run, once for each incident
)

var actionNames = []string{"alarm", "yield", "script"}

func (a SplitAction) String() string { return actionNames[min(int(a), len(actionNames)-1)] }

const (
	minProbe    = 10 * time.Millisecond
	maxProbe    = time.Hour
	minARPProbe = 100 * time.Millisecond
	maxCount    = 100
)

var splitTable = table{
	"probe":           text((*interpreter).setProbe),
	"source":          text((*interpreter).setProbeSource),
	"interval":        seconds(minProbe, maxProbe, func(in *interpreter, d time.Duration) { in.cur.SplitBrain.Interval = d }),
	"timeout":         seconds(minProbe, maxProbe, func(in *interpreter, d time.Duration) { in.cur.SplitBrain.Timeout = d }),
	"count":           number(1, maxCount, func(in *interpreter, n int) { in.cur.SplitBrain.Count = n }),
	"arp_probe":       seconds(minARPProbe, maxProbe, func(in *interpreter, d time.Duration) { in.cur.SplitBrain.ARPProbe = d }),
	"action":          choice(func(in *interpreter, i int) { in.cur.SplitBrain.Action = SplitAction(i) }, actionNames...),
	"script":          keyword{shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(&in.cur.SplitBrain.Script, s) }},
	"script_timeout":  seconds(time.Second, maxProbe, func(in *interpreter, d time.Duration) { in.cur.SplitBrain.ScriptTimeout = d }),
	"wait_for_script": keyword{shape: optionShape, set: (*interpreter).setWaitForScript},
}

func (in *interpreter) openSplitBrain(s *statement) {
	if in.cur.SplitBrain != nil {
		in.diags.errorf(s.pos(), "remove one of the two", "split_brain is given twice, first at %s", in.cur.SplitBrain.Pos)
	}
	in.cur.SplitBrain = &SplitBrain{Pos: s.pos(), Interval: time.Second, Timeout: time.Second, Count: 3, ScriptTimeout: 30 * time.Second}
}

// setProbe reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.
func (in *interpreter) setProbe(w word) {
	sb := in.cur.SplitBrain
	if addr, err := netip.ParseAddr(w.text); err == nil {
		sb.Probe, sb.ProbePort = addr, 0
	} else if to, err := netip.ParseAddrPort(w.text); err == nil && to.Port() != 0 {
		sb.Probe, sb.ProbePort = to.Addr(), to.Port()
	} else {
		in.diags.errorf(w.pos, "no name: a name may not be there to be resolved when it counts", "probe %s: expected ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT", quote(w.text))
		return
	}
	if a := sb.Probe; a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || a == limitedBroadcast {
		in.diags.errorf(w.pos, "", "probe %s: expected the address of one host", quote(w.text))
	}
}

// setProbeSource reads an own address or the name of an interface.
func (in *interpreter) setProbeSource(w word) {
	sb := in.cur.SplitBrain
	if addr, err := netip.ParseAddr(w.text); err == nil {
		sb.Source, sb.SourceInterface = addr, ""
	} else if validInterface(w.text) {
		sb.Source, sb.SourceInterface = netip.Addr{}, w.text
	} else {
		in.diags.errorf(w.pos, "", "source %s: expected an own address, or the name of an interface", quote(w.text))
	}
}

func (in *interpreter) setWaitForScript(s *statement) {
	sb := in.cur.SplitBrain
	sb.Wait, sb.GoOn = true, false
	if len(s.words) == 1 {
		return
	}
	if sb.GoOn = s.words[1].text == "go_on"; !sb.GoOn {
		in.diags.errorf(s.words[1].pos, "alone it means: stay BACKUP", "wait_for_script %s: expected go_on, or nothing", quote(s.words[1].text))
	}
}

// resolveSplitBrain looks at what belongs together.
func (in *interpreter) resolveSplitBrain(d *draft) {
	sb := d.SplitBrain
	if sb == nil {
		return
	}
	has := len(sb.Script.Argv) > 0
	probes := sb.Probe.IsValid() || d.given("probe")
	switch {
	case sb.Action == ActionScript && !has && !d.given("script"):
		in.diags.errorf(sb.Pos, `add script "/usr/local/sbin/fence"`, "(%s) split_brain: action script without a script", plain(d.Name))
	case sb.Action != ActionScript && has:
		in.diags.errorf(sb.Script.Pos, "write action script", "(%s) split_brain: a script that nothing runs: the action is %v", plain(d.Name), sb.Action)
	case sb.Action != ActionScript && sb.Wait:
		in.diags.errorf(d.seen["wait_for_script"], "write action script, and the script", "(%s) split_brain: wait_for_script without action script", plain(d.Name))
	}
	for _, keyword := range []string{"source", "interval", "timeout", "count"} {
		if d.given(keyword) && !probes {
			in.diags.errorf(d.seen[keyword], "add probe ADDRESS", "(%s) split_brain: %s without probe", plain(d.Name), keyword)
		}
	}
	if sb.Source.IsValid() && sb.Probe.IsValid() && sb.Source.Is4() != sb.Probe.Is4() {
		in.diags.errorf(d.seen["source"], "", "(%s) split_brain: source %s and probe %s are of different families", plain(d.Name), sb.Source, sb.Probe)
	}
	if slices.ContainsFunc(d.All(), func(a Address) bool { return a.Prefix.Addr() == sb.Probe }) {
		in.diags.errorf(d.seen["probe"], "probe an address that the peer always has", "(%s) split_brain: probe %s is a virtual address of the router: whoever holds it answers", plain(d.Name), sb.Probe)
	}
	if sb.Timeout > sb.Interval {
		if d.given("timeout") {
			in.diags.warnf(d.seen["timeout"], "make the interval as long", "(%s) split_brain: the timeout of a probe is its interval, %s s, and no longer", plain(d.Name), showSeconds(sb.Interval))
		}
		sb.Timeout = sb.Interval
	}
	if sb.Action == ActionYield && sb.ARPProbe == 0 {
		sb.ARPProbe = time.Second
	}
	if d.Priority == 255 && (sb.Action == ActionYield || sb.Wait) {
		in.diags.warnf(sb.Pos, "use a priority below 255", "(%s) split_brain: priority 255 owns the addresses: it neither waits nor yields", plain(d.Name))
	}
}

// splitBrain checks a split_brain whoever made it.
func (v *validator) splitBrain() {
	sb := v.SplitBrain
	if sb == nil || v.said("split_brain") {
		return // a file's has been checked where the words were
	}
	within := func(what string, d, lo, hi time.Duration) {
		if d < lo || d > hi {
			v.errorf(sb.Pos, "", "split_brain: %s %s: expected %s to %s", what, d, lo, hi)
		}
	}
	within("interval", sb.Interval, minProbe, maxProbe)
	within("timeout", sb.Timeout, minProbe, sb.Interval)
	within("script_timeout", sb.ScriptTimeout, time.Second, maxProbe)
	if sb.ARPProbe != 0 || sb.Action == ActionYield {
		within("arp_probe", sb.ARPProbe, minARPProbe, maxProbe)
	}
	if sb.Count < 1 || sb.Count > maxCount {
		v.errorf(sb.Pos, "", "split_brain: count %d: expected 1 to %d", sb.Count, maxCount)
	}
	if sb.Action > ActionScript || (sb.Action == ActionScript) != (len(sb.Script.Argv) > 0) || sb.Wait && sb.Action != ActionScript {
		v.errorf(sb.Pos, "", "split_brain: action %d with a script: %v", sb.Action, len(sb.Script.Argv) > 0)
	}
}

// Fence is the script of split_brain; without Argv: none.
func (r *Router) Fence() Command {
	if r.SplitBrain == nil {
		return Command{}
	}
	return r.SplitBrain.Script
}
