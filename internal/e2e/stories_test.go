package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

const storiesPage = "../../docs/stories.md"

// story is one of docs/stories.md: its heading there, and how it is played.
type story struct {
	title string
	play  func(*scene)
}

// What happens to a pair, and what vrrpx explain says of it: each story names its cause
// and the evidence, the page shows it as it is printed, and the flight recorder's files
// of it are in order and replay. Times are not looked at.
func TestStories(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "tshark")
	page, err := os.ReadFile(storiesPage)
	must(t, err)
	told := storyHeads(string(page))
	l := testnet.ForTest(t, "a", "b", "c")
	var files recordings
	for i, st := range stories {
		if i >= len(told) || told[i] != st.title {
			t.Errorf("story %d of the page is not %q: it has %q", i+1, st.title, told)
		}
		t.Run(st.title, func(t *testing.T) {
			s := &scene{T: t, title: st.title, lan: l, a: l.Host("a"), b: l.Host("b"), c: l.Host("c"), files: &files}
			s.forget()
			t.Cleanup(s.clear)
			st.play(s)
			if blocks := len(storyBlocks(s.section())); blocks != len(s.shown) {
				t.Errorf("the page shows %d commands, and %q were run", blocks, s.shown)
			}
		})
	}
	files.dissect(t)
}

// scene is where a story is played: three hosts on one switch, with no daemon and no
// history.
type scene struct {
	*testing.T
	title   string
	lan     *testnet.LAN
	a, b, c *testnet.Host
	files   *recordings
	shown   []string
}

// clear leaves the hosts as they were for the next story. Its daemons have ended.
func (s *scene) clear() {
	for _, h := range []*testnet.Host{s.a, s.b, s.c} {
		must(s.T, s.lan.Join(h.Name))
		must(s.T, h.AllowVRRP())
		for _, ip := range []string{vip, strangers} { // that a killed keepalived has left
			if h.HasAddr(ip) {
				must(s.T, h.DelAddr("eth0", netip.MustParsePrefix(ip+"/32")))
			}
		}
	}
	s.forget()
}

// forget removes the history and the recordings of the daemons that ran on the hosts.
func (s *scene) forget() {
	for _, h := range []*testnet.Host{s.a, s.b, s.c} {
		must(s.T, os.RemoveAll(historyDir(s.T, h)))
	}
}

// historyDir is where the daemon of a host keeps what happened.
func historyDir(t *testing.T, h *testnet.Host) (dir string) {
	t.Helper()
	must(t, h.Do(func() (err error) {
		dir, err = netns.HistoryDir()
		return err
	}))
	return dir
}

// shows runs a command of vrrpx as an operator would, which has to name these facts, and
// compares what it prints with the page; -update writes it there.
func (s *scene) shows(h *testnet.Host, command string, facts ...string) {
	s.Helper()
	out, code := vrrpx(s.T, h, strings.Fields(command)...)
	if code != 0 {
		s.Fatalf("vrrpx %s on %s: exit %d: %s", command, h.Name, code, out)
	}
	said := strings.Join(strings.Fields(out), " ")
	for _, f := range facts {
		if !regexp.MustCompile(f).MatchString(said) {
			s.Errorf("vrrpx %s on %s does not say %q:\n%s", command, h.Name, f, out)
		}
	}
	s.shown = append(s.shown, command)
	s.onPage(fmt.Sprintf("%s# vrrpx %s\n%s", h.Name, command, out))
}

// section is the story on the page.
func (s *scene) section() string {
	page, err := os.ReadFile(storiesPage)
	must(s.T, err)
	_, after, _ := strings.Cut(string(page), "\n## "+s.title+"\n")
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// onPage compares what was printed with the next block of the story.
func (s *scene) onPage(now string) {
	s.Helper()
	section, n := s.section(), len(s.shown)-1
	blocks := storyBlocks(section)
	if !*update {
		if n >= len(blocks) {
			s.Errorf("the page does not show\n%s", now)
		} else if missing, new := differ(sentences(blocks[n]), sentences(now)); len(missing)+len(new) > 0 {
			s.Errorf("the page says %q, and not %q, of\n%s", missing, new, now)
		}
		return
	}
	page, err := os.ReadFile(storiesPage)
	must(s.T, err)
	anew := strings.TrimRight(section, "\n") + "\n\n```\n" + now + "```\n"
	if n < len(blocks) {
		i := -1
		anew = storyBlock.ReplaceAllStringFunc(section, func(block string) string {
			if i++; i == n {
				return "```\n" + now + "```\n"
			}
			return block
		})
	}
	must(s.T, os.WriteFile(storiesPage, []byte(strings.Replace(string(page), section, anew, 1)), 0o644))
}

// storyBlock is what a command of vrrpx printed. Blocks without such a command say how
// the story is staged.
var storyBlock = regexp.MustCompile("(?ms)^```\n[abc]# vrrpx .*?^```\n")

func storyBlocks(section string) (all []string) {
	for _, b := range storyBlock.FindAllString(section, -1) {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(b, "```\n"), "```\n"))
	}
	return all
}

// storyHeads are the stories of the page, in order.
func storyHeads(page string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(page, -1) {
		all = append(all, m[1])
	}
	return all
}

// differing is what differs from run to run, by what stands for it.
var differing = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`([0-9a-f]{2}:){5}[0-9a-f]{2}`), "MAC"}, // before times, which some look like
	{regexp.MustCompile(`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(\.\d+)?`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)? (us|ms|s|min|h)\b( \d+ (s|min)\b)?`), "SPAN"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(h|m|s|ms|µs|ns))+\b`), "SPAN"},
	{regexp.MustCompile(`\b\d+ (claim|advert)s?\b`), "N ${1}s"},
	{regexp.MustCompile(`\b\d+ of them\b`), "N of them"},
	{regexp.MustCompile(`\b\d+ (auth_\w+)`), "N $1"},
	{regexp.MustCompile(`vrrpx \S+ started, pid \d+`), "vrrpx VERSION started, pid N"},
}

// bySpeed begin sentences that are there or not with how busy the machine was, or which of
// two scripts ended first.
var bySpeed = regexp.MustCompile(`^(margin$|Largest gap between|The adverts of \S+ came within|\d+ such miss|This host stood still|Last at|As MASTER it sent nothing|Its process stood still|The kernel took over|Of the adverts of all routers here|Its priority went from (70|90|130) to)`)

// sentences are those of what explain printed, without what differs from run to run.
func sentences(text string) (all []string) {
	label := regexp.MustCompile(`(?m)^  ([a-zA-Z][a-zA-Z ]*?)  +`)
	text = strings.Join(strings.Fields(label.ReplaceAllString(text, "$1. ")), " ")
	for _, d := range differing {
		text = d.what.ReplaceAllString(text, d.as)
	}
	for _, s := range strings.Split(text, ". ") {
		if s = strings.TrimSuffix(s, "."); !bySpeed.MatchString(s) {
			all = append(all, s)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// differ is what is in one of two lists alone.
func differ(a, b []string) (inA, inB []string) {
	without := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	return without(a, b), without(b, a)
}

// events are those of a host, as vrrpx events prints them.
func (s *scene) events(h *testnet.Host) []stats.Event {
	s.Helper()
	out, code := vrrpx(s.T, h, "events", "--json")
	if code != 0 {
		s.Fatalf("vrrpx events on %s: exit %d: %s", h.Name, code, out)
	}
	return parseEvents(s.T, out)
}

// lastOf is the last event of a kind, the zero one if there is none.
func (s *scene) lastOf(h *testnet.Host, kind stats.EventKind) (last stats.Event) {
	s.Helper()
	for _, e := range s.events(h) {
		if e.Kind == kind {
			last = e
		}
	}
	return last
}

// event waits for the last of a kind.
func (s *scene) event(h *testnet.Host, kind stats.EventKind) (last stats.Event) {
	s.Helper()
	await(s.T, fmt.Sprintf("%s of %s", kind, h.Name), func() bool {
		if last = s.lastOf(h, kind); last.Seq == 0 {
			time.Sleep(100 * time.Millisecond) // each question is a process
		}
		return last.Seq != 0
	})
	return last
}

// follow runs vrrpx events --follow on a host. What is returned waits until that ends,
// as it does with the daemon, and gives what it heard.
func (s *scene) follow(h *testnet.Host) (heard func() []stats.Event) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.Cleanup(cancel)
	cmd := h.Command(ctx, testnet.Binary(s.T), "events", "--follow", "--json")
	var out bytes.Buffer
	cmd.Stdout = &out
	must(s.T, cmd.Start())
	return func() []stats.Event {
		s.Helper()
		_ = cmd.Wait() // it says that the daemon has ended
		if ctx.Err() != nil {
			s.Fatal("who follows the events still did a minute later")
		}
		return parseEvents(s.T, out.String())
	}
}

// Two runs of one story say the same, whatever their times, addresses and counts.
func TestStoriesAreComparedByPattern(t *testing.T) {
	const one = `b# vrrpx explain
VI_51 is MASTER since 00:16:23.680 (32.44 ms).
  why        10.99.0.1 (9e:0c:f9:a6:bc:a6, priority 150) fell silent: no valid
             advert came from it for 361 ms, and 360.94 ms are allowed.
  ALARM      held by 9e:0c:f9:a6:bc:a6 as well: 1 claim by ARP or ND.
`
	const other = `b# vrrpx explain
VI_51 is MASTER since 2026-11-23 23:59:59.999 (1 min 2 s).
  why        10.99.0.1 (ce:e4:02:62:09:3b, priority 150) fell silent: no valid
             advert came from it for 1.2 s, and 360.94 ms are allowed.
  ALARM      held by 02:11:22:33:44:55 as well: 12 claims by ARP or ND.
  margin     Largest gap between two of its master's adverts today: 100.25 ms.
`
	if a, b := differ(sentences(one), sentences(other)); len(a)+len(b) > 0 {
		t.Errorf("%q and %q", a, b)
	}
	for was, is := range map[string]string{"priority 150": "priority 151", "MASTER": "BACKUP", "10.99.0.1": "10.99.0.2", "fell silent": "spoke", "  ALARM": "  alarm"} {
		if a, b := differ(sentences(one), sentences(strings.ReplaceAll(other, was, is))); len(a) == 0 || len(b) == 0 {
			t.Errorf("%q is not seen to differ from %q: %q, %q", is, was, a, b)
		}
	}
}
