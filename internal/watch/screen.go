package watch

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/stats"
)

// framesPerSecond bounds how often the terminal is drawn: soon enough after a key,
// and next to nothing while nothing changes.
const framesPerSecond = 20

// Terminal shows the view on a terminal until q is pressed or the context ends. It
// fails when the daemon does not answer at first; later that is shown.
func Terminal(ctx context.Context, src Source, in, out *os.File, interval time.Duration) error {
	st, err := ask(ctx, src)
	if err != nil {
		return err
	}
	b := newBoard(looksFor(os.Getenv), interval)
	b.take(st, time.Now())
	s := &screen{board: b, ctx: ctx, src: src, spent: cpuTime()}
	return s.run(in, out)
}

func (s *screen) run(in io.Reader, out io.Writer, more ...tea.ProgramOption) error {
	more = append(more, tea.WithContext(s.ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())
	_, err := tea.NewProgram(s, more...).Run()
	if s.ctx.Err() != nil && (errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, context.Canceled)) {
		return nil // a signal is a way to end it
	}
	return err
}

// IsTerminal tells whether a file is a terminal that can do more than print lines.
func IsTerminal(f *os.File, term string) bool {
	if term == "" || term == "dumb" {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// cpuTime is what this process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// screen is a board on a terminal. bubbletea calls it from one goroutine.
type screen struct {
	*board
	ctx   context.Context
	src   Source
	spent time.Duration // CPU time up to the last refresh
}

// What its commands bring.
type (
	snapshot struct {
		st  *stats.Status
		err error
		at  time.Time
	}
	speakersHeard struct {
		all *stats.Speakers
		err error
	}
	due         struct{} // a snapshot is
	speakersDue struct{}
)

// speakersEvery is how often the list of speakers is asked for while it is shown.
const speakersEvery = 2 * time.Second

func (s *screen) Init() tea.Cmd { return s.later() }

func (s *screen) later() tea.Cmd {
	return tea.Tick(s.interval, func(time.Time) tea.Msg { return due{} })
}

func (s *screen) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		s.resize(m.Width, m.Height)
	case tea.KeyPressMsg:
		before := s.page
		if !s.key(m.String(), m.Text) {
			return s, tea.Quit
		}
		if s.page == pageLAN && before == pageList {
			return s, s.askSpeakers
		}
	case due:
		return s, s.askStatus
	case snapshot:
		if m.err != nil {
			s.fail(m.err, m.at)
		} else {
			s.take(m.st, m.at)
		}
		cost := cpuTime() - s.spent
		s.spent += cost
		s.interval = pause(s.least, cost)
		return s, s.later()
	case speakersDue:
		if s.page == pageLAN {
			return s, s.askSpeakers
		}
	case speakersHeard:
		s.heard(m.all, m.err)
		if s.page == pageLAN {
			return s, tea.Tick(speakersEvery, func(time.Time) tea.Msg { return speakersDue{} })
		}
	}
	return s, nil
}

func (s *screen) askStatus() tea.Msg {
	st, err := ask(s.ctx, s.src)
	return snapshot{st, err, time.Now()}
}

func (s *screen) askSpeakers() tea.Msg {
	ctx, cancel := context.WithTimeout(s.ctx, askTime)
	defer cancel()
	all, err := s.src.Speakers(ctx)
	return speakersHeard{all, err}
}

func (s *screen) View() tea.View {
	v := tea.NewView(s.render())
	v.AltScreen = true
	return v
}
