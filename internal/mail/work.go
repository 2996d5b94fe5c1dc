package mail

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// permanentError is a refusal that will be the same next time.
type permanentError struct {
	error
	recipients bool // it concerns some of them
}

// work sends what comes, until quit and nothing more can be sent.
func (m *Mailer) work() {
	defer close(m.done)
	pause := m.pause
	for {
		err := m.round()
		var retry <-chan time.Time
		if err == nil {
			pause = m.pause
		} else {
			m.failed(err)
			retry = time.After(pause)
			pause = min(2*pause, lastPause)
		}
		select {
		case <-m.quit:
			// Once more, for what came last; a server that fails now has failed.
			_ = m.round()
			return
		case <-retry:
		case <-m.anew:
			pause = m.pause
		case <-m.unless(err):
		}
	}
}

// unless is when to look again: after a failure only its pause counts, so that
// each new mail does not mean a new attempt.
func (m *Mailer) unless(err error) <-chan struct{} {
	if err != nil {
		return nil
	}
	return m.wake
}

// round sends all that waits over one connection.
func (m *Mailer) round() (err error) {
	o, l, ok := m.next()
	if !ok {
		return nil
	}
	s, err := m.connect(&o)
	if err != nil {
		m.putBack(l)
		return err
	}
	defer s.close()
	for ok {
		if l.to == nil {
			l.to = o.To
		}
		if err := m.deliver(s, &o, &l); err != nil {
			m.putBack(l)
			return err
		}
		var now Options
		if now, l, ok = m.next(); ok && !now.equal(&o) {
			m.putBack(l)
			stir(m.anew)
			return nil
		}
	}
	return nil
}

// deliver sends one mail: to all at once or, when the server will not have some
// of the recipients, to each, so that one wrong address costs the others nothing.
// It fails when the mail is to be sent again, to those left in l.to.
func (m *Mailer) deliver(s session, o *Options, l *letter) error {
	err := s.send(o, *l, l.to)
	var refused *permanentError
	switch {
	case err == nil:
		m.count(true, nil)
		return nil
	case !errors.As(err, &refused):
		return err
	case !refused.recipients || len(l.to) == 1:
		m.count(false, fmt.Errorf("mail %q was refused by %s: %w", l.subject, o.address(), err))
		return nil
	}
	taken := false
	for len(l.to) > 0 {
		to := l.to[:1]
		switch err := s.send(o, *l, to); {
		case errors.As(err, &refused):
			m.tell(fmt.Errorf("mail %q to %s was refused by %s: %s", l.subject, to[0], o.address(), oneLine(err)))
		case err != nil:
			return err
		default:
			taken = true
		}
		l.to = l.to[1:]
	}
	m.count(taken, nil)
	return nil
}

// next takes the first mail that is not too old.
func (m *Mailer) next() (Options, letter, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = 0
	for len(m.waiting) > 0 {
		l := m.waiting[0]
		m.waiting = m.waiting[1:]
		if time.Since(l.at) < maxAge {
			m.busy = 1
			return m.o, l, true
		}
		m.Dropped++
	}
	return m.o, letter{}, false
}

// putBack returns what next gave, to be the first again.
func (m *Mailer) putBack(l letter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = 0
	if len(m.waiting) >= maxWaiting || m.o.none() {
		m.Dropped++
		return
	}
	m.waiting = append([]letter{l}, m.waiting...)
}

// failed tells of a problem when it is another than before.
func (m *Mailer) failed(err error) {
	m.mu.Lock()
	text := fmt.Sprintf("mail to %s: %s", m.o.address(), oneLine(err))
	old, n := m.Problem, len(m.waiting)
	m.Problem = text
	m.mu.Unlock()
	if text != old {
		m.tell(fmt.Errorf("%s; %d wait and are tried again", text, n))
	}
}

// count counts a mail that the server has taken or refused for good: either way
// it is in reach.
func (m *Mailer) count(taken bool, refusal error) {
	m.mu.Lock()
	old, dropped := m.Problem, m.Dropped
	m.Problem = ""
	if taken {
		m.Sent++
	} else {
		m.Refused++
	}
	m.mu.Unlock()
	if old != "" {
		m.tell(fmt.Errorf("mail goes out again, after: %s (%d mails were dropped so far)", old, dropped))
	}
	if refusal != nil {
		m.tell(errors.New(oneLine(refusal)))
	}
}

// oneLine is an error without what a server could put into our log.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "?")), " ")
}
