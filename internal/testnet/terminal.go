package testnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Terminal is a terminal on a host, in which one program runs: tmux, that keeps the
// screen, takes keys and needs nobody to look.
type Terminal struct {
	server *Cmd
	socket string
}

// tmuxConf: no line of tmux's own, and a screen that stays when the program has ended.
const tmuxConf = `set -g status off
set -g remain-on-exit on
set -g window-size manual
set -g exit-empty off
`

// Terminal opens a terminal of so many columns and lines. Its files are in dir. Close
// ends it and what runs in it.
func (h *Host) Terminal(dir string, columns, lines int, command ...string) (*Terminal, error) {
	conf := filepath.Join(dir, "tmux.conf")
	if err := os.WriteFile(conf, []byte(tmuxConf), 0o644); err != nil {
		return nil, err
	}
	t := &Terminal{socket: filepath.Join(dir, "tmux")}
	t.server = h.Command(context.Background(), "tmux", "-u", "-S", t.socket, "-f", conf, "-D")
	t.server.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	if err := t.server.Start(); err != nil {
		return nil, err
	}
	if !WaitFor(5*time.Second, func() bool { _, err := os.Stat(t.socket); return err == nil }) {
		return nil, errors.Join(errors.New("tmux does not listen"), t.Close())
	}
	size := []string{"-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines)}
	if _, err := t.tmux(append(append([]string{"new-session", "-d"}, size...), command...)...); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Terminal) tmux(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := t.server.host.Command(ctx, "tmux", append([]string{"-u", "-S", t.socket}, args...)...).CombinedOutput()
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
func (t *Terminal) PID() (pid int, err error) {
	out, err := t.tmux("display-message", "-p", "#{pane_pid}")
	if err == nil {
		_, err = fmt.Sscan(out, &pid)
	}
	return pid, err
}

// Ended tells whether the program has ended, and its exit code.
func (t *Terminal) Ended() (code int, ended bool, err error) {
	out, err := t.tmux("display-message", "-p", "#{pane_dead} #{pane_dead_status}")
	if err != nil || !strings.HasPrefix(out, "1 ") {
		return 0, false, err
	}
	_, err = fmt.Sscanf(out, "1 %d", &code)
	return code, true, err
}

// Close closes it. The program in it gets SIGHUP.
func (t *Terminal) Close() error {
	_, _ = t.tmux("kill-server")
	killed := time.AfterFunc(2*time.Second, func() { _ = t.server.Process.Kill() })
	defer killed.Stop()
	_ = t.server.Wait() // it says how it was ended
	return nil
}

// CPU is the time that the program in it has used.
func (t *Terminal) CPU() (time.Duration, error) {
	pid, err := t.PID()
	return cpuTime(pid), err
}
