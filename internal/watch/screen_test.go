package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/vrrpx/vrrpx/stats"
)

func screenForTest(n int) *screen {
	return &screen{board: shown(n, 80, 24, plain), ctx: context.Background(), src: &script{answers: []any{fleet(n, 20*time.Second)}}}
}

func TestScreenAsksAgain(t *testing.T) {
	s := screenForTest(3)
	if s.Init() == nil {
		t.Fatal("nothing is asked for")
	}
	_, cmd := s.Update(due{})
	m, ok := cmd().(snapshot)
	if !ok || m.err != nil || m.at.IsZero() {
		t.Fatalf("%+v", m)
	}
	if _, cmd = s.Update(m); cmd == nil || s.now != m.st {
		t.Error("the snapshot is not shown, or no other is asked for")
	}
	if _, cmd = s.Update(snapshot{err: errors.New("gone"), at: noon}); cmd == nil || s.err == nil {
		t.Error("an error is not shown, or ends the view")
	}
	if s.Update(tea.WindowSizeMsg{Width: 100, Height: 30}); s.width != 100 || s.height != 30 {
		t.Errorf("%dx%d", s.width, s.height)
	}
	if v := s.View(); !v.AltScreen || !strings.Contains(v.Content, "VI_3") {
		t.Errorf("%+v", v)
	}
}

func TestScreenTakesKeys(t *testing.T) {
	s := screenForTest(3)
	s.Update(tea.KeyPressMsg{Code: tea.KeyDown})
	s.Update(tea.KeyPressMsg{Code: tea.KeyEnter})
	if s.page != pageOne || s.chosen.name != "VI_2" {
		t.Errorf("page %d of %v", s.page, s.chosen)
	}
	s.Update(tea.KeyPressMsg{Code: tea.KeyEscape})
	s.Update(tea.KeyPressMsg{Code: '/', Text: "/"})
	s.Update(tea.KeyPressMsg{Code: 'f', Text: "F"})
	s.Update(tea.KeyPressMsg{Code: tea.KeySpace, Text: " "})
	s.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
	if !s.typing || s.typed != "F" {
		t.Errorf("typed %q", s.typed)
	}
	s.Update(tea.KeyPressMsg{Code: tea.KeyEscape})
	_, cmd := s.Update(tea.KeyPressMsg{Code: 'l', Text: "l"})
	if cmd == nil {
		t.Fatal("nobody asks who speaks")
	}
	heard := cmd().(speakersHeard)
	if _, cmd = s.Update(heard); cmd == nil || s.lan != heard.all {
		t.Error("who speaks is not shown, or not asked again")
	}
	if _, cmd = s.Update(speakersDue{}); cmd == nil {
		t.Error("who speaks is not asked again")
	}
	s.Update(tea.KeyPressMsg{Code: tea.KeyEscape})
	if _, cmd = s.Update(speakersDue{}); cmd != nil {
		t.Error("who speaks is asked for although nobody looks")
	}
	if _, cmd = s.Update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}); cmd == nil {
		t.Fatal("ctrl+c does not end it")
	} else if _, ok := cmd().(tea.QuitMsg); !ok {
		t.Error("ctrl+c does not end it")
	}
}

// The library draws it, reads the key and gives the screen back.
func TestScreenOnATerminal(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s := screenForTest(3)
	s.ctx = ctx
	var out bytes.Buffer
	err := s.run(strings.NewReader("q"), &out, tea.WithWindowSize(80, 24), tea.WithEnvironment([]string{"TERM=xterm-256color"}))
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	if text := out.String(); !strings.Contains(text, "\x1b[?1049l") {
		t.Errorf("the screen is not given back: %q", text)
	}
}

func TestScreenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := screenForTest(3)
	s.ctx = ctx
	cancel()
	var out bytes.Buffer
	if err := s.run(nil, &out, tea.WithWindowSize(80, 24)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsATerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if IsTerminal(f, "xterm") || IsTerminal(f, "dumb") || IsTerminal(os.Stdin, "dumb") || IsTerminal(os.Stdin, "") {
		t.Error("what cannot be drawn on is taken for a terminal")
	}
}

// BenchmarkRefresh is what a refresh costs beside the answer itself: two each second.
func BenchmarkRefresh(b *testing.B) {
	s := shown(255, 200, 50, looks{styled: true, colour: true, blocks: true})
	two := [2]*stats.Status{fleet(255, 20*time.Second), fleet(255, 21*time.Second)}
	b.ReportAllocs()
	for i := range b.N {
		s.take(two[i%2], s.at.Add(500*time.Millisecond))
		if len(s.render()) == 0 {
			b.Fatal("nothing is drawn")
		}
	}
}

// BenchmarkAnswer is what it costs to read the daemon's answer.
func BenchmarkAnswer(b *testing.B) {
	text, err := json.Marshal(fleet(255, 20*time.Second))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var st stats.Status
		if err := json.Unmarshal(text, &st); err != nil {
			b.Fatal(err)
		}
	}
}
