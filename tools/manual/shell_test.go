package main

import (
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// complete is what bash offers for the last word.
func complete(t *testing.T, words ...string) []string {
	t.Helper()
	script := `source packaging/completion/vrrpx.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vrrpx; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", append([]string{"-c", script, "bash"}, words...)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("bash: %v: %s", err, out)
	}
	return strings.Fields(string(out))
}

func TestBashCompletion(t *testing.T) {
	testnet.Need(t, "bash")
	for _, c := range []struct{ words, want []string }{
		{[]string{"vrrpx", "rel"}, []string{"reload"}},
		{[]string{"vrrpx", "status", "--j"}, []string{"--json"}},
		{[]string{"vrrpx", "run", "--xdp", "na"}, []string{"native"}},
		{[]string{"vrrpx", "run", "--xdp", "=", "ge"}, []string{"generic"}},
		{[]string{"vrrpx", "run", "--xdp", "="}, []string{"auto", "native", "generic", "off"}},
		{[]string{"vrrpx", "check", "-f", "packaging/exam"}, []string{"packaging/examples"}},
		{[]string{"vrrpx", "run", "--interface", "l"}, []string{"lo"}},
		{[]string{"vrrpx", "run", "--vip", "10"}, nil},
		{[]string{"vrrpx", "keepalived", "--dont-f"}, []string{"--dont-fork"}},
		{[]string{"vrrpx", "keepalived", "-f", "packaging/exam"}, []string{"packaging/examples"}},
		{[]string{"vrrpx", "keepalived", "--config-test", "=", "packaging/exam"}, []string{"packaging/examples"}},
		{[]string{"vrrpx", "keepalived", "--config-test", "--dont-f"}, []string{"--dont-fork"}},
		{[]string{"vrrpx", "record", "--output", "=", "packaging/exam"}, []string{"packaging/examples"}},
	} {
		if got := complete(t, c.words...); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

// shell is one at a terminal, in which vrrpx is a function that shows its arguments.
type shell struct {
	t     *testing.T
	keys  io.Writer
	shown chan string // lines with the arguments
	all   *transcript
}

// transcript is what was on the screen.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *transcript) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(text)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

const prompt = "ready> "

func openShell(t *testing.T, command string) *shell {
	t.Helper()
	cmd := exec.Command("script", "-qfec", command, "/dev/null")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "PS1="+prompt, "TERM=dumb", "SHELL=/bin/sh", "HOME="+t.TempDir())
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = keys.Close()
		_ = cmd.Process.Kill() // the shell loses its terminal
		_ = cmd.Wait()
	})
	s := &shell{t, keys, make(chan string, 10), &transcript{}}
	prompted := make(chan bool, 1)
	go s.read(screen, prompted)
	select {
	case <-prompted:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s: no prompt: %s", command, s.all)
	}
	s.run(`vrrpx() { printf '\n\74\74%s\76\76\n' "$*"; }; vrrpx`)
	return s
}

// read takes in what the shell writes, until it ends.
func (s *shell) read(screen io.Reader, prompted chan<- bool) {
	line, buf := "", make([]byte, 4096)
	for {
		n, err := screen.Read(buf)
		s.all.add(string(buf[:n]))
		for _, c := range buf[:n] {
			if c != '\n' {
				line += string(rune(c))
				if strings.HasSuffix(line, prompt) {
					select {
					case prompted <- true:
					default:
					}
				}
				continue
			}
			if args, ok := strings.CutPrefix(strings.TrimRight(line, "\r"), "<<"); ok && strings.HasSuffix(args, ">>") {
				s.shown <- strings.TrimSuffix(args, ">>")
			}
			line = ""
		}
		if err != nil {
			return
		}
	}
}

// run types a line, which must call vrrpx once, and returns its arguments.
func (s *shell) run(line string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.keys, line+"\r"); err != nil {
		s.t.Fatalf("%v: %s", err, s.all)
	}
	select {
	case args := <-s.shown:
		return args
	case <-time.After(20 * time.Second):
		s.t.Fatalf("%q: vrrpx was not called: %s", line, s.all)
		return ""
	}
}

// Lines typed at a terminal, each with its tabs, and what vrrpx would have been called
// with. A single answer is filled in; of several, what they have in common.
var typed = []struct{ line, want string }{
	{"vrrpx rel\t", "reload"},
	{"vrrpx st\t --j\t", "status --json"},
	{"vrrpx run --xdp=ge\t", "run --xdp=generic"},
	{"vrrpx run --xdp na\t", "run --xdp native"},
	{"vrrpx check -f packaging/examples/k\t", "check -f packaging/examples/keepalived.conf"},
	{"vrrpx record -o packaging/examples/k\t", "record -o packaging/examples/keepalived.conf"},
	{"vrrpx keepalived -f packaging/examples/k\t -n", "keepalived -f packaging/examples/keepalived.conf -n"},
	{"vrrpx doctor --fi\tpackaging/examples/k\t", "doctor --file=packaging/examples/keepalived.conf"},
	{"vrrpx nothing-such\t", "nothing-such"},
}

func TestBashCompletesWhatIsTyped(t *testing.T) {
	testnet.Need(t, "bash", "script")
	s := openShell(t, "bash --norc --noprofile -i")
	s.run("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source packaging/completion/vrrpx.bash; vrrpx")
	for _, c := range typed {
		line := strings.Replace(c.line, "--fi\t", "--fi\t ", 1) // bash ends the word, zsh with a =
		want := strings.Replace(c.want, "--file=", "--file ", 1)
		if got := s.run(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	s.runSpaced()
}

func TestZshCompletesWhatIsTyped(t *testing.T) {
	testnet.Need(t, "zsh", "script")
	if out, err := exec.Command("zsh", "-n", root+"/packaging/completion/_vrrpx").CombinedOutput(); err != nil {
		t.Fatalf("zsh -n: %v: %s", err, out)
	}
	s := openShell(t, "zsh -f -i")
	s.run("unsetopt beep; fpath=($PWD/packaging/completion $fpath); autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word; vrrpx")
	for _, c := range typed {
		if got := s.run(c.line); got != c.want {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
	s.runSpaced()
}

// runSpaced completes a path with a space in it.
func (s *shell) runSpaced() {
	s.t.Helper()
	dir := s.t.TempDir()
	want := dir + "/of both/lb01.conf"
	if err := os.Mkdir(dir+"/of both", 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	if got := s.run("vrrpx check -f " + dir + "/o\tl\t"); got != "check -f "+want {
		s.t.Errorf("%q, want %q", got, "check -f "+want)
	}
}
