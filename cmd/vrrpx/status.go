package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/stats"
)

func runStatus(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	asJSON := flags.Bool("json", false, "print the whole snapshot as JSON")
	if err := parse(flags, args); err != nil {
		return err
	}
	st, err := askStatus(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(e.stdout, st)
	}
	printStatus(e.stdout, st)
	return nil
}

// askStatus asks the daemon of this network namespace.
func askStatus(ctx context.Context) (st *stats.Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err = askDaemon(func(c *control.Client) error { st, err = c.Status(ctx); return err })
	return st, err
}

// noDaemon is the error of askDaemon where none runs.
type noDaemon struct{ error }

func (n noDaemon) Unwrap() error { return n.error }

// askDaemon says what to do where none answers.
func askDaemon(ask func(*control.Client) error) error {
	client, path, err := daemonClient()
	if err != nil {
		return err
	}
	return explainAsk(path, ask(client))
}

// daemonClient is a client of the daemon of this network namespace, and its socket.
func daemonClient() (*control.Client, string, error) {
	dir, err := netns.RunDir()
	if err != nil {
		return nil, "", err
	}
	path := filepath.Join(dir, rundir.Socket)
	return control.NewClient(path), path, nil
}

func explainAsk(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return noDaemon{hint("start one with `vrrpx run -f FILE`; a daemon in another network namespace is asked from there, with `ip netns exec`",
			"no vrrpx runs in this network namespace (%s)", path)}
	case errors.Is(err, syscall.EACCES):
		return hint("ask as root", "%s may not be opened: %w", path, err)
	case errors.Is(err, control.ErrUnknown):
		return hint("`vrrpx status` has the version that runs; if that is older than `vrrpx version`, restart it when it suits", "%w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return hint("its log says what holds it up: `journalctl -u vrrpx`; `vrrpx doctor` looks at the host", "the daemon does not answer: %w", err)
	}
	return err
}

func printStatus(w io.Writer, st *stats.Status) {
	fmt.Fprintf(w, "vrrpx %s, pid %d, up %s\n", st.Version, st.PID, time.Since(st.Started).Round(time.Second))
	if l := st.Reload; l != nil {
		fmt.Fprintf(w, "reloaded %s ago: %s\n", time.Since(l.At).Round(time.Second), reloadText(l))
	}
	fmt.Fprintln(w, schedulingText(st.Pacer))
	for _, i := range st.Interfaces {
		fmt.Fprintf(w, "interface %s: %s, XDP %s%s\n", i.Name, upDown(i.Up), i.XDP, parens(i.XDPNote))
	}
	for _, f := range st.FIFOs {
		fmt.Fprintln(w, fifoText(f))
	}
	if m := st.Mail; m != nil {
		fmt.Fprintf(w, "mail to %s: %d sent, %d waiting, %d refused, %d dropped%s\n", m.Server, m.Sent, m.Waiting, m.Refused, m.Dropped, parens(m.Problem))
	}
	printStatic(w, st.Static)
	for _, g := range st.Groups {
		printGroup(w, g)
	}
	for _, r := range st.Routers {
		printRouter(w, r)
	}
	if h := st.History; h.Lost > 0 || h.Problem != "" {
		fmt.Fprintf(w, "\nhistory: %d events did not get into its file%s\n", h.Lost, parens(h.Problem))
	}
	if st.Logs.Dropped > 0 {
		fmt.Fprintf(w, "\n%d log lines were dropped: their reader does not keep up\n", st.Logs.Dropped)
	}
}

func printGroup(w io.Writer, g stats.Group) {
	fmt.Fprintf(w, "sync group %s: %s for %s, of %s%s\n", g.Name, g.State, time.Since(g.Since).Round(time.Millisecond), strings.Join(g.Members, ", "), parens(g.Waits))
}

func printRouter(w io.Writer, r stats.Router) {
	fmt.Fprintf(w, "\n%s  %s for %s\n", r.Name, r.State, time.Since(r.Since).Round(time.Millisecond))
	row := rows(w)
	row("because", "%s", r.Reason)
	if r.Group != "" {
		row("group", "%s%s", r.Group, parens(r.Waits))
	}
	row("router", "%s VRID %d, %s, VRRPv%d, priority %d, from %s", r.Interface, r.VRID, r.Family, r.Version, r.Priority, r.Source)
	row("auth", "%s", r.Authentication)
	for _, t := range r.Tracked {
		row("tracks", "%s", tracked(t))
	}
	if m := r.Master; m != nil {
		row("master", "%s%s, priority %d, heard %s ago", m.Address, parens(m.MAC), m.Priority, m.Heard)
	}
	for _, p := range r.Peers {
		row("peer", "%s", peerText(p))
	}
	for _, h := range r.Heartbeats {
		row("line", "%s", lineText(h))
	}
	for _, s := range r.Speakers {
		row("heard", "%s", speaker(s))
	}
	if p := r.Probe; p != nil {
		row("probe", "%s is %s for %s%s", p.Target, p.State, time.Since(p.Since).Round(time.Second), parens(p.Note))
	}
	row("timers", "advert %s, learned %s, skew %s, master-down %s", r.AdvertInterval, r.LearnedInterval, r.Skew, r.MasterDown)
	if g := r.LongestGapToday; g != nil {
		row("margin", "today the master was silent for %s of %s at most, at %s; near misses: %d",
			g.Seconds, g.MasterDown, g.At.Local().Format("15:04:05"), r.NearMisses)
	}
	if r.PreemptIn != nil {
		row("preempt", "in %s, if the master's priority is still lower (preempt_delay)", r.PreemptIn)
	}
	if r.DeadlineIn != nil {
		row("deadline", "in %s, kept by the %s", r.DeadlineIn, r.DeadlineBy)
	}
	for _, v := range r.VMACs {
		state := upDown(v.Up)
		if !v.Exists {
			state = "not there"
		}
		row("vmac", "%s %s (%s)%s", v.Name, v.MAC, state, parens(v.Error))
	}
	printAddresses(row, r.Addresses)
	printRoutes(row, r.Routes, r.MoreRoutes)
	announced := "gratuitous ARPs"
	if r.Family == "IPv6" {
		announced = "neighbour advertisements"
	}
	row("adverts", "%d received by %s, %d sent, %d %s", r.Received, r.Ingest, r.Sent, r.GARPs, announced)
	row("pacer", "%s", pacerText(r))
	if r.KernelTakeover != "" {
		row("takeover", "%s", takeoverText(r))
	}
	if r.Routed+r.RoutedErrors > 0 {
		row("unresolved", "%d adverts left by way of the kernel, to peers whose MAC was not known; %d were refused", r.Routed, r.RoutedErrors)
	}
	if d := dropList(r.Drops); d != "" {
		row("dropped", "%s", d)
	}
	for _, a := range r.AlarmList {
		row("ALARM", "%s: %s (for %s)", a.Kind, a.Text, time.Since(a.Since).Round(time.Second))
	}
}

// takeoverText is whether the kernel may end a router's being BACKUP, and whether it
// has.
func takeoverText(r stats.Router) string {
	return fmt.Sprintf("by the kernel: %s%s, %d times, and given up again before the process ran %d times",
		r.KernelTakeover, parens(r.KernelTakeoverReason), r.KernelTakeovers, r.KernelGaveWay)
}

// pacerText is what sends a router's adverts, and what its pauses came to.
func pacerText(r stats.Router) string {
	text := r.Pacer + parens(r.PacerReason)
	if r.Lease > 0 {
		text += fmt.Sprintf(", lease %s", r.Lease)
	}
	if r.Lapses > 0 {
		text += fmt.Sprintf(", lapsed %d times", r.Lapses)
	}
	if r.Pauses > 0 {
		text += fmt.Sprintf(", paused %d times, of which %d were survived", r.Pauses, r.PausesSurvived)
	}
	return text
}

// schedulingText is the scheduling class of the threads, and what became of it.
func schedulingText(p stats.Pacer) string {
	text := "threads " + p.Scheduling
	if p.Scheduling != "SCHED_RR" && p.Realtime {
		text += " (beside realtime processes of higher priority; SCHED_RR again when they let it run)"
	}
	if p.Starved > 0 {
		text += fmt.Sprintf(", kept from running %d times", p.Starved)
	}
	if p.WatchLost {
		text += "; nothing watches for that: the process vrrpx-fair does not run"
	}
	return text
}

// rower prints a line with its name.
type rower func(name, format string, a ...any)

func rows(w io.Writer) rower {
	return func(name, format string, a ...any) { fmt.Fprintf(w, "  %-11s %s\n", name, fmt.Sprintf(format, a...)) }
}

func printAddresses(row rower, all []stats.Address) {
	for _, a := range all {
		state := hereText(a.Present, a.Foreign)
		if a.NoAccept {
			state += fmt.Sprintf(", no_accept: %d packets to it dropped", a.Refused)
		}
		row("address", "%s dev %s (%s)", a.Address, a.Device, state)
	}
}

func printRoutes(row rower, all []stats.Route, more int) {
	for _, r := range all {
		kind, text, _ := strings.Cut(r.Text, " ")
		state := hereText(r.Present, r.Foreign)
		if r.Error != "" {
			state += ": " + r.Error
		}
		row(kind, "%s (%s)", text, state)
	}
	if more > 0 {
		row("", "and %d routes and rules more", more)
	}
}

func printStatic(w io.Writer, s stats.Static) {
	if len(s.Addresses)+len(s.Routes) == 0 {
		return
	}
	fmt.Fprintf(w, "\nstatic, whoever is MASTER\n")
	printAddresses(rows(w), s.Addresses)
	printRoutes(rows(w), s.Routes, s.MoreRoutes)
}

func hereText(present, foreign bool) string {
	switch {
	case foreign:
		return "here, was here before vrrpx: will be left alone"
	case present:
		return "here"
	}
	return "not here"
}

// lineText is a heartbeat line in one line.
func lineText(h stats.Heartbeat) string {
	var b strings.Builder
	b.WriteString(h.Name)
	if h.Name != h.Interface {
		b.WriteString(" dev " + h.Interface)
	}
	fmt.Fprintf(&b, ": %s for %v", h.State, time.Since(h.Since).Round(time.Second))
	if h.Reason != "" {
		b.WriteString(" (" + h.Reason + ")")
	}
	if h.Source != "" {
		b.WriteString(", from " + h.Source)
	}
	for _, p := range h.Peers {
		fmt.Fprintf(&b, "; heard %s%s%s %s ago", p.Address, is(p.First), parens(p.MAC), p.Heard)
	}
	if !h.First {
		fmt.Fprintf(&b, "; %d received by %s, %d sent", h.Received, h.Ingest, h.Sent)
	}
	return b.String()
}

func is(first string) string {
	if first == "" {
		return ""
	}
	return " (" + first + ")"
}

// peerText is a unicast peer in one line.
func peerText(p stats.Peer) string {
	var b strings.Builder
	b.WriteString(p.Address)
	if p.Via != "" {
		b.WriteString(" via " + p.Via)
	}
	if p.MAC == "" {
		b.WriteString(", MAC not known yet")
	} else {
		b.WriteString(" at " + p.MAC)
	}
	if p.Unchecked {
		b.WriteString(", adverts are taken from anyone")
	} else if p.MinTTL > 0 || p.MaxTTL < 255 {
		fmt.Fprintf(&b, ", TTL %d to %d", p.MinTTL, p.MaxTTL)
	}
	if p.Checksum != "" {
		b.WriteString(", checksum " + p.Checksum)
	}
	return b.String()
}

func speaker(s stats.Speaker) string {
	text := fmt.Sprintf("%s%s %s ago, VRRPv%d, priority %d, every %s", s.Address, parens(s.MAC), s.Heard, s.Version, s.Priority, s.Interval)
	if s.Checksum != "" {
		text += ", checksum " + s.Checksum
	}
	if s.ChecksumChanges > 0 {
		text += fmt.Sprintf(" (changed %d times)", s.ChecksumChanges)
	}
	return text
}

// tracked is a tracked thing in one line.
func tracked(t stats.Tracked) string {
	text := t.Name + " " + t.State
	switch {
	case t.Fault:
		text += ": a fault"
	case t.Weight != 0:
		text += fmt.Sprintf(": priority %+d (weight %d)", t.Points, t.Weight)
	}
	return text + parens(t.Note)
}

// fifoText is a FIFO in one line.
func fifoText(f stats.FIFO) string {
	text := fmt.Sprintf("FIFO %s: %d lines written, %d lost", f.Path, f.Written, f.Dropped)
	if f.Script && !f.ScriptRuns {
		text += ", its script has ended"
	}
	if f.Problem != "" {
		text += ", ALARM: " + f.Problem
	}
	return text
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func parens(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// dropList names the counters that are not zero.
func dropList(drops map[string]uint64) string {
	var b strings.Builder
	for _, name := range sortedKeys(drops) {
		if drops[name] > 0 {
			if b.Len() > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %d", name, drops[name])
		}
	}
	return b.String()
}
