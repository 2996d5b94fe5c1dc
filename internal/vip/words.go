package vip

import (
	"sync"
	"time"
)

// word is what was last wanted of an owner, and when it was said.
type word struct {
	name   string
	held   bool
	forget bool
	at     time.Time
}

// words wait for the manager's goroutine under a lock that is held for nothing
// else: while it plans or concludes a batch of a thousand addresses it has m.mu for
// a millisecond, and who says a word has adverts to send.
type words struct {
	mu     sync.Mutex
	list   []word
	closed bool // nobody hears any more, and the bell may be another's descriptor
}

// Hold wants the owners' addresses on the host; a Held for each answers. Holds
// and Releases that follow before the kernel is asked cancel each other out, and
// the last one is answered.
func (m *Manager) Hold(names ...string) { m.say(true, names) }

// Release wants them off the host, but for those that were there without us;
// Released answers.
func (m *Manager) Release(names ...string) { m.say(false, names) }

func (m *Manager) say(held bool, names []string) {
	all := make([]word, len(names))
	for i, name := range names {
		all[i] = word{name: name, held: held, at: time.Now()}
	}
	m.words.add(m.bell, all...)
}

// Forget releases the owner's addresses and then forgets the owner.
func (m *Manager) Forget(name string) {
	m.words.add(m.bell, word{name: name, forget: true, at: time.Now()})
}

func (w *words) add(b bell, all ...word) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.list = append(w.list, all...)
		b.ring()
	}
}

// take is what has been said since the last call.
func (w *words) take() (all []word) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, w.list = w.list, nil
	return all
}

func (w *words) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// enter locks m.mu and takes in the words said so far, so that each call of a
// method finds what those before it have said.
func (m *Manager) enter() {
	m.mu.Lock()
	for _, w := range m.words.take() {
		if o := m.owners[w.name]; o != nil && !m.closing {
			m.obey(o, w)
		}
	}
}

// obey takes in one word. The caller holds m.mu.
func (m *Manager) obey(o *owner, w word) {
	o.held, o.asked = w.held, w.at
	if w.forget {
		o.gone = true
		for _, e := range o.entries {
			e.gone = true
		}
		m.declareDevices(o, nil)
		m.unsaved = true
	}
	m.stir(o)
	switch {
	case w.forget:
		m.routing.forget(o.name)
	case !w.held: // with the addresses; when these are there, settle says so
		m.routing.want(o.name, false)
	}
}
