package demo

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// printer writes the story for a person, 80 columns wide.
type printer struct {
	w      io.Writer
	colour bool
}

// newPrinter uses colour only on a terminal and not when NO_COLOR is set
// (no-color.org).
func newPrinter(w io.Writer) *printer {
	p := &printer{w: w}
	if f, ok := w.(*os.File); ok && os.Getenv("NO_COLOR") == "" {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		p.colour = err == nil
	}
	return p
}

const (
	bold  = "1"
	dim   = "2"
	red   = "1;31"
	green = "32"
)

func (p *printer) paint(code, s string) string {
	if !p.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// A lost line of output is no reason to end; the result is the exit status.
func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (d *demo) introduce() {
	p := d.out
	p.line("%s", p.paint(bold, "vrrpx demo: two load balancers, one virtual IP, adverts every 10 ms"))
	p.line("")
	p.line("  client 10.0.0.9 ----+---- lb01 10.0.0.5, priority %d", highPriority)
	p.line("  pings %s      |", vip)
	p.line("  every millisecond   +---- lb02 10.0.0.6, priority %d", lowPriority)
	p.line("")
	p.text("All of it lives in network namespaces that end with the demo.")
}

func (p *printer) title(s string) { p.line("\n%s", p.paint(bold, s)) }

// text writes a paragraph.
func (p *printer) text(s string) {
	for _, l := range wrap(s, 76) {
		p.line("  %s", p.paint(dim, l))
	}
}

func (p *printer) good(format string, args ...any) {
	p.line("  %s    %s", p.paint(green, "ok"), fmt.Sprintf(format, args...))
}

func (p *printer) note(format string, args ...any) {
	p.hanging("note", dim, fmt.Sprintf(format, args...))
}

func (p *printer) bad(s string) { p.hanging("FAIL", red, s) }

// hanging writes a word and a paragraph beside it.
func (p *printer) hanging(word, code, s string) {
	for i, l := range wrap(s, 72) {
		if i > 0 {
			p.line("        %s", l)
			continue
		}
		p.line("  %s  %s", p.paint(code, word), l)
	}
}

// log writes the last lines of a daemon's log.
func (p *printer) log(name, log string) {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	for _, l := range lines[max(0, len(lines)-8):] {
		p.line("  %s %s", p.paint(dim, name+":"), l)
	}
}

// takeover writes the steps of one, in their order.
func (p *printer) takeover(r result) {
	type step struct {
		at   time.Duration
		what string
	}
	steps := []step{
		{0, "last advert of lb01"},
		{r.deadline, r.because},
		{r.decided, "lb02 decides: MASTER"},
		{r.advert, "first advert of lb02"},
		{r.garp, "first gratuitous ARP of lb02"},
		{r.address, vip + " is on lb02"},
		{r.answered, "client's first answer from lb02"},
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		p.line("  %8s ms  %s", ms(s.at), s.what)
	}
	p.line("  %8d     pings lost", r.lost)
}

// table writes all takeovers side by side.
func (p *printer) table(rows []result) {
	p.title("Milliseconds after lb01's last advert")
	p.line("  %s", p.paint(dim, "                    RFC 9568     lb02     first   address    client   pings"))
	p.line("  %s", p.paint(dim, "                    deadline  decides      GARP   on lb02  answered    lost"))
	for _, r := range rows {
		p.line("  %-18s  %8s  %s  %8s  %8s  %s  %6d", r.name, ms(r.deadline), p.paint(bold, fmt.Sprintf("%7s", ms(r.decided))),
			ms(r.garp), ms(r.address), p.paint(bold, fmt.Sprintf("%8s", ms(r.answered))), r.lost)
	}
	p.text("Here both hosts share one kernel and its one lock over network settings (rtnl): " +
		"after a graceful stop the address on lb02 also waits for what lb01 tidies up. Two machines do not.")
	p.line("")
}

func (p *printer) verdict(took time.Duration) {
	p.line("%s", p.paint(green, "All right: one holder at every step, and every takeover in time."))
	p.line("%s", p.paint(dim, fmt.Sprintf("Nothing is left behind. It took %.0f s.", took.Seconds())))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// wrap breaks a text into lines of at most width, at spaces and line ends.
func wrap(s string, width int) []string {
	var lines []string
	for paragraph := range strings.Lines(s) {
		line := ""
		for _, word := range strings.Fields(paragraph) {
			switch {
			case line == "":
				line = word
			case len(line)+1+len(word) > width:
				lines = append(lines, line)
				line = word
			default:
				line += " " + word
			}
		}
		lines = append(lines, line)
	}
	return lines
}
