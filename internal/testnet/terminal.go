package testnet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Terminal is a terminal on a host, in which one program runs: tmux, that keeps the
// screen, takes keys and needs nobody to look.
type Terminal struct {
	server *Cmd
	dir    string
}

// terminalRun runs the program, and leaves its process ID and its exit code in the
// directory: tmux 3.3a shows that a program has ended, but not always how.
const terminalRun = `dir=$1
shift
sh -c 'echo $$ >"$0/pid"; exec "$@"' "$dir" "$@"
echo $? >"$dir/exit"
`

// tmuxConf: no line of tmux's own, and a screen that stays when the program has ended.
const tmuxConf = `set -g status off
set -g remain-on-exit on
set -g exit-empty off
`

// Terminal opens a terminal of so many columns and lines. Its files are in dir. Close
// ends it and what runs in it.
func (h *Host) Terminal(dir string, columns, lines int, command ...string) (*Terminal, error) {
	conf, run := filepath.Join(dir, "tmux.conf"), filepath.Join(dir, "run.sh")
	if err := errors.Join(os.WriteFile(conf, []byte(tmuxConf), 0o644), os.WriteFile(run, []byte(terminalRun), 0o644)); err != nil {
		return nil, err
	}
	t := &Terminal{dir: dir}
	t.server = h.Command(context.Background(), "tmux", "-u", "-S", t.socket(), "-f", conf, "-D")
	t.server.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	if err := t.server.Start(); err != nil {
		return nil, err
	}
	if !WaitFor(5*time.Second, func() bool { _, err := os.Stat(t.socket()); return err == nil }) {
		return nil, errors.Join(errors.New("tmux does not listen"), t.Close())
	}
	args := []string{"new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines), "sh", run, dir}
	if _, err := t.tmux(append(args, command...)...); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Terminal) socket() string { return filepath.Join(t.dir, "tmux") }

func (t *Terminal) tmux(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := t.server.host.Command(ctx, "tmux", append([]string{"-u", "-S", t.socket()}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}

// Keys presses keys, by tmux's names: s, Enter, Escape, Down.
func (t *Terminal) Keys(keys ...string) error {
	_, err := t.tmux(append([]string{"send-keys"}, keys...)...)
	return err
}

// Resize gives the terminal another size.
func (t *Terminal) Resize(columns, lines int) error {
	_, err := t.tmux("resize-window", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines))
	return err
}

// Text is what the screen shows, in lines without the blanks at their ends.
func (t *Terminal) Text() (string, error) { return t.tmux("capture-pane", "-p") }

// Styled is the same with ECMA-48 escapes for colours, and with the blanks.
func (t *Terminal) Styled() (string, error) { return t.tmux("capture-pane", "-e", "-N", "-p") }

// PID is the process that runs in it.
func (t *Terminal) PID() (pid int, err error) { return t.number("pid") }

// Ended tells whether the program has ended by itself, and its exit code: 128 and more
// where a signal has ended it.
func (t *Terminal) Ended() (code int, ended bool, err error) {
	code, err = t.number("exit")
	if errors.Is(err, errNotYet) {
		return 0, false, nil
	}
	return code, err == nil, err
}

var errNotYet = errors.New("not yet written")

func (t *Terminal) number(file string) (int, error) {
	text, err := os.ReadFile(filepath.Join(t.dir, file))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return 0, fmt.Errorf("%s: %w", file, errNotYet)
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// CPU is the time that the program in it has used.
func (t *Terminal) CPU() (time.Duration, error) {
	pid, err := t.PID()
	if err != nil {
		return 0, err
	}
	return cpuTime(pid), nil
}

// Close closes it. The program in it gets SIGHUP.
func (t *Terminal) Close() error {
	_, _ = t.tmux("kill-server")
	killed := time.AfterFunc(2*time.Second, func() { _ = t.server.Process.Kill() })
	defer killed.Stop()
	_ = t.server.Wait() // it says how it was ended
	return nil
}
