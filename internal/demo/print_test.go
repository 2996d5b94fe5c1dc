package demo

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// checkLayout holds the output to 80 columns of plain ASCII.
func checkLayout(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > 80 || strings.TrimRight(line, " ") != line || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("line of %d: %q", len(line), line)
		}
	}
}

func TestOutputFitsEightyColumnsAndHasNoColourOffATerminal(t *testing.T) {
	var out bytes.Buffer
	d := &demo{out: newPrinter(&out)}
	d.introduce()
	r := result{name: "firewalled, dead", because: masterDownText, deadline: time.Second,
		decided: 9 * time.Second, garp: 9 * time.Second, address: 9 * time.Second, answered: 9 * time.Second, lost: 10000}
	for _, s := range d.scenarios() {
		d.out.title(s.title)
		d.out.text(s.story)
	}
	d.out.takeover(r)
	d.out.table([]result{r, r})
	d.out.bad(strings.Repeat("word ", 40))
	d.out.verdict(time.Second)
	checkLayout(t, out.String())
}

func TestStepsOfATakeoverAreInTheirOrder(t *testing.T) {
	var out bytes.Buffer
	newPrinter(&out).takeover(result{because: "deadline", deadline: 2, decided: 3, advert: 4, garp: 6, address: 5, answered: 7})
	at := 0
	for _, step := range []string{"last advert of lb01", "deadline", "decides", "first advert of lb02", vip, "gratuitous", "answer"} {
		i := strings.Index(out.String()[at:], step)
		if i < 0 {
			t.Fatalf("%q is missing or out of order:\n%s", step, out.String())
		}
		at += i
	}
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newPrinter(file).colour {
		t.Error("colour in a file")
	}
	testnet.Need(t, "/dev/ptmx")
	terminal, err := os.Open("/dev/ptmx")
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	t.Setenv("NO_COLOR", "")
	if !newPrinter(terminal).colour {
		t.Error("no colour on a terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if newPrinter(terminal).colour {
		t.Error("colour in spite of NO_COLOR")
	}
}

func TestEchoRepliesAreToldFromOtherFrames(t *testing.T) {
	reply := make([]byte, 14+20+pingLen)
	copy(reply[12:], []byte{0x08, 0x00, 0x45})
	reply[14+9] = 1
	copy(reply[14+20+4:], []byte{pingID >> 8, pingID & 0xff})
	copy(reply[14+20+8:], []byte{0, 1, 2, 3})
	if seq, ok := echoReply(reply); !ok || seq != 0x010203 {
		t.Errorf("reply: %#x %v", seq, ok)
	}
	for _, at := range []int{12, 14, 14 + 9, 14 + 20, 14 + 20 + 4} {
		other := bytes.Clone(reply)
		other[at]++
		if _, ok := echoReply(other); ok {
			t.Errorf("a frame with another byte %d passes for a reply", at)
		}
	}
	for n := range reply {
		if _, ok := echoReply(reply[:n]); ok {
			t.Errorf("a reply cut to %d bytes is taken", n)
		}
	}
}
