// Package mail sends mail about transitions to one server, in order, and again
// until it has been taken. Nobody waits for it.
package mail

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of a Mailer.
const (
	maxWaiting = 1000           // mails; the oldest make room
	maxAge     = 24 * time.Hour // then a mail is given up
	firstPause = time.Second    // after a failure; doubled each time
	lastPause  = 5 * time.Minute
)

// Options say where mail goes.
type Options struct {
	Server   string // host name or address; empty: no mail is sent
	Port     int
	Timeout  time.Duration // of connecting, and of each mail
	HELO     string
	From     string
	To       []string
	TLS      TLS
	CA       string // certificates (PEM); empty: those of the host
	User     string // logs in with Password; empty: nobody does
	Password string
}

// TLS is whether the connection is encrypted.
type TLS uint8

// Where it is, the certificate of the server must be good for its name.
const (
	Plain TLS = iota
	STARTTLS
	Implicit
)

func (o *Options) equal(p *Options) bool {
	a, b := *o, *p
	a.To, b.To = nil, nil
	return slices.Equal(o.To, p.To) && fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}

// none is true where no mail is sent.
func (o *Options) none() bool { return o.Server == "" || len(o.To) == 0 }

// address is that of the server, for people.
func (o *Options) address() string { return fmt.Sprintf("%s port %d", o.Server, o.Port) }

// letter is a mail that waits.
type letter struct {
	at            time.Time
	subject, body string
	to            []string // who has yet to get it; nil: all
}

// Mailer sends mail from a goroutine of its own. Its methods are for any
// goroutine and never block but Close.
type Mailer struct {
	tell    func(err error)
	connect func(*Options) (session, error)
	pause   time.Duration

	wake chan struct{} // mail has come
	anew chan struct{} // the options have changed
	quit chan struct{}
	done chan struct{}

	mu      sync.Mutex
	o       Options
	waiting []letter
	busy    int // 1 while one is being sent
	Counts
}

// Counts is a snapshot.
type Counts struct {
	Sent    uint64 // mails that the server took for at least one recipient
	Refused uint64 // that it will not take for anybody
	Dropped uint64 // that waited too long, or made room for others
	Waiting int
	Problem string // why mails wait; empty: they do not
}

// session is a connection to a server.
type session interface {
	// send sends one mail to some recipients, all or none of them.
	send(o *Options, l letter, to []string) error
	close()
}

// New returns a Mailer that sends nothing until it is Set. tell is called by its
// goroutine with what the operator should know: never with a password.
func New(tell func(err error)) *Mailer {
	m := &Mailer{
		tell: tell, connect: dial, pause: firstPause,
		wake: make(chan struct{}, 1), anew: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go m.work()
	return m
}

// Set changes where mail goes: that which waits too.
func (m *Mailer) Set(o Options) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	if o.HELO == "" {
		o.HELO = host
	}
	if o.From == "" {
		o.From = "root"
	}
	o.To = slices.Clone(o.To)
	for _, addr := range append([]*string{&o.From}, pointers(o.To)...) {
		if !strings.Contains(*addr, "@") {
			*addr += "@" + host
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.o.equal(&o) {
		return
	}
	m.o = o
	if o.none() {
		m.Dropped += uint64(len(m.waiting))
		m.waiting = nil
	}
	for i := range m.waiting {
		m.waiting[i].to = nil
	}
	stir(m.anew)
}

func pointers(list []string) (all []*string) {
	for i := range list {
		all = append(all, &list[i])
	}
	return all
}

// Send has a mail sent, with the time of now.
func (m *Mailer) Send(subject, body string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.o.none() {
		return
	}
	m.waiting = append(m.waiting, letter{at: time.Now(), subject: subject, body: body})
	if n := len(m.waiting) - maxWaiting; n > 0 {
		m.Dropped += uint64(n)
		m.waiting = slices.Clone(m.waiting[n:])
	}
	stir(m.wake)
}

// stir wakes the goroutine.
func stir(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Status is for any time; on is false where no mail is sent.
func (m *Mailer) Status() (server string, c Counts, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c = m.Counts
	c.Waiting = len(m.waiting) + m.busy
	return m.o.address(), c, !m.o.none()
}

// Close sends what waits, for so long at most, and returns how many mails were
// never sent.
func (m *Mailer) Close(wait time.Duration) (lost int) {
	close(m.quit)
	select {
	case <-m.done:
	case <-time.After(wait):
	}
	_, c, _ := m.Status()
	return c.Waiting
}
