package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is one that does as the test says.
type server struct {
	mu     sync.Mutex
	down   bool
	refuse func(subject string, to []string) error
	mails  []string // subject and recipients
	dials  int
	told   []string
}

func (s *server) dial(o *Options) (session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dials++
	if s.down {
		return nil, errors.New("connection\nrefused")
	}
	return s, nil
}

func (s *server) send(o *Options, l letter, to []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		if err := s.refuse(l.subject, to); err != nil {
			return err
		}
	}
	s.mails = append(s.mails, l.subject+">"+strings.Join(to, ","))
	return nil
}

func (s *server) close() {}

func (s *server) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, err.Error())
}

func (s *server) has() ([]string, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails), strings.Join(s.told, "\n")
}

func mailer(t *testing.T, s *server, to ...string) *Mailer {
	t.Helper()
	return paused(s, time.Millisecond, to...)
}

func paused(s *server, pause time.Duration, to ...string) *Mailer {
	m := &Mailer{
		tell: s.tell, connect: s.dial, pause: pause,
		wake: make(chan struct{}, 1), anew: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go m.work()
	m.Set(Options{Server: "mail", Port: 25, From: "a@b", To: to})
	return m
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

func TestMailWaitsForAServerThatIsDownAndKeepsItsOrder(t *testing.T) {
	s := &server{down: true}
	m := mailer(t, s, "x@y")
	var want []string
	for i := range 20 {
		m.Send(fmt.Sprint(i), "")
		want = append(want, fmt.Sprint(i, ">x@y"))
	}
	await(t, "three attempts", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.dials > 3 })
	if _, c, _ := m.Status(); c.Waiting != 20 || c.Problem != "mail to mail port 25: connection refused" {
		t.Errorf("%+v", c)
	}
	s.mu.Lock()
	s.down = false
	s.mu.Unlock()
	await(t, "20 mails", func() bool { got, _ := s.has(); return len(got) == 20 })
	got, told := s.has()
	if !slices.Equal(got, want) {
		t.Errorf("sent %q", got)
	}
	if strings.Count(told, "\n") != 1 || !strings.Contains(told, "are tried again") || !strings.Contains(told, "goes out again") {
		t.Errorf("told %q", told)
	}
	if lost := m.Close(time.Second); lost != 0 {
		t.Errorf("%d lost", lost)
	}
}

func TestOldestMailsMakeRoom(t *testing.T) {
	s := &server{down: true}
	m := mailer(t, s, "x@y")
	for i := range maxWaiting + 7 {
		m.Send(fmt.Sprint(i), "")
	}
	await(t, "an attempt", func() bool { _, c, _ := m.Status(); return c.Problem != "" })
	if _, c, _ := m.Status(); c.Waiting != maxWaiting && c.Waiting != maxWaiting+1 || c.Dropped+uint64(c.Waiting) != maxWaiting+7 {
		t.Errorf("%+v", c)
	}
	if lost := m.Close(time.Second); lost < maxWaiting {
		t.Errorf("%d lost", lost)
	}
}

func TestRefusedRecipientCostsTheOthersNothing(t *testing.T) {
	once := true
	s := &server{refuse: func(subject string, to []string) error {
		switch {
		case subject == "bad":
			return &permanentError{errors.New("550 no"), false}
		case slices.Contains(to, "wrong@y"):
			return &permanentError{errors.New("550 who"), true}
		case slices.Equal(to, []string{"z@y"}) && once:
			once = false
			return errors.New("451 later")
		}
		return nil
	}}
	m := mailer(t, s, "x@y", "wrong@y", "z@y")
	m.Send("one", "")
	m.Send("bad", "")
	await(t, "both", func() bool { _, c, _ := m.Status(); return c.Sent+c.Refused == 2 })
	got, told := s.has()
	if !slices.Equal(got, []string{"one>x@y", "one>z@y"}) {
		t.Errorf("sent %q", got)
	}
	for _, want := range []string{`"one" to wrong@y was refused by mail port 25: 550 who`, `"bad" was refused by mail port 25: 550 no`, "451 later"} {
		if !strings.Contains(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	}
	m.Close(time.Second)
}

func TestNewServerGetsWhatWaitsAtOnce(t *testing.T) {
	s := &server{down: true}
	m := paused(s, time.Hour, "x@y")
	m.Send("one", "")
	await(t, "an attempt", func() bool { _, c, _ := m.Status(); return c.Problem != "" })
	s.mu.Lock()
	s.down = false
	s.mu.Unlock()
	m.Set(Options{Server: "other", Port: 25, From: "a@b", To: []string{"root"}, HELO: "h"})
	await(t, "the mail", func() bool { got, _ := s.has(); return len(got) == 1 && strings.HasPrefix(got[0], "one>root@") })
	m.Set(Options{})
	m.Send("two", "")
	if _, c, on := m.Status(); on || c.Waiting != 0 {
		t.Errorf("%+v", c)
	}
	m.Close(time.Second)
}

func TestMailReadsAsKeepalivedWrites(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 44, 8, 0, time.UTC)
	to := []string{"a@example.org", "b@example.org"}
	for range 20 {
		to = append(to, "somebody.with.a.long.name@example.org")
	}
	l := letter{at: at, subject: "[lb01] VRRP Instance VI_1 - Entering MASTER state", body: "=> VRRP Instance is now owning VRRP VIPs <="}
	m, err := compose(&Options{From: "lb01@example.org", To: to}, l, to[:1])
	if err != nil {
		t.Fatal(err)
	}
	if rcpt, _ := m.GetRecipients(); !slices.Equal(rcpt, []string{"<a@example.org>"}) {
		t.Errorf("goes to %q", rcpt)
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if len(line) > 120 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	got, err := mail.ReadMessage(&b)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(got.Body)
	if string(body) != l.body+"\r\n" {
		t.Errorf("body %q", body)
	}
	for name, want := range map[string]string{
		"Subject": l.subject, "Date": "Sun, 01 Mar 2026 09:44:08 +0000", "From": "<lb01@example.org>", "X-Mailer": "vrrpx",
		"To": strings.Join(to, ", "), "Content-Transfer-Encoding": "8bit",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got.Header.Get("Message-Id") == "" || got.Header.Get("Bcc") != "" {
		t.Errorf("%q", got.Header)
	}
}
