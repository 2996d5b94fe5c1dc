package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/vrrpx/vrrpx/stats"
)

// board is all that is shown, and what was pressed. It has no clock and no I/O:
// take, fail, heard, key and resize change it, render reads it.
type board struct {
	looks
	width, height int
	least         time.Duration // between two refreshes, as was asked for
	interval      time.Duration // as it is now

	was, now *stats.Status // the last two snapshots; nil: none yet
	at       time.Time     // when the last came
	span     time.Duration // between the two
	err      error         // why there is no newer one
	failed   time.Time     // since when
	clock    time.Time     // when something last came, a snapshot or an error
	samples  map[id]*samples
	changes  []Change // newest last

	lan    *stats.Speakers
	lanErr error

	rows    []row // those that the filter lets through, in order
	page    page
	below   page // of help: where it was opened
	chosen  id   // under the cursor; the router of pageOne
	cursor  int  // its row
	top     int  // first row shown
	scroll  int  // first line shown, of the other pages
	lines   int  // of such a page
	order   int  // in orders
	reverse bool
	filter  string
	typed   string // a filter that is being written
	typing  bool
}

// page is what fills the screen.
type page uint8

const (
	pageList page = iota
	pageOne
	pageLAN
	pageHelp
)

type row struct {
	*stats.Router
	*samples
}

// changesKept bounds what is remembered of changes.
const changesKept = 400

func newBoard(l looks, interval time.Duration) *board {
	return &board{looks: l, width: 80, height: 24, least: interval, interval: interval, samples: map[id]*samples{}}
}

func (b *board) resize(w, h int) { b.width, b.height = max(w, 1), max(h, 1) }

// take takes a snapshot that came at a time.
func (b *board) take(st *stats.Status, at time.Time) {
	b.err, b.clock = nil, at
	b.was, b.now = b.now, st
	dt := at.Sub(b.at)
	b.at, b.span = at, dt
	if b.was == nil {
		b.changes = last(recent(st), changesKept)
	} else {
		b.changes = last(append(b.changes, diff(b.was, st, at)...), changesKept)
	}
	same := b.was != nil && b.was.PID == st.PID && b.was.Started.Equal(st.Started)
	before := map[id]*stats.Router{}
	if same {
		for i := range b.was.Routers {
			before[idOf(&b.was.Routers[i])] = &b.was.Routers[i]
		}
	}
	all := make(map[id]*samples, len(st.Routers))
	for i := range st.Routers {
		r := &st.Routers[i]
		k := idOf(r)
		s := b.samples[k]
		if s == nil || !same {
			s = newSamples(at)
		}
		if old := before[k]; old != nil {
			s.add(old, r, dt)
		}
		all[k] = s
	}
	b.samples = all
	b.arrange()
}

// fail notes that no snapshot came.
func (b *board) fail(err error, at time.Time) {
	if b.err == nil {
		b.failed = at
	}
	b.err, b.clock = err, at
}

// heard takes the list of speakers.
func (b *board) heard(s *stats.Speakers, err error) { b.lan, b.lanErr = s, err }

// arrange filters and sorts the rows. The cursor goes with its router.
func (b *board) arrange() {
	b.rows = b.rows[:0]
	if b.now == nil {
		return
	}
	words := strings.Fields(strings.ToLower(b.filtering()))
	for i := range b.now.Routers {
		r := &b.now.Routers[i]
		if matches(r, words) {
			b.rows = append(b.rows, row{r, b.samples[idOf(r)]})
		}
	}
	if compare := orders[b.order].compare; compare != nil {
		slices.SortStableFunc(b.rows, compare)
	}
	if b.reverse {
		slices.Reverse(b.rows)
	}
	follows := b.cursor > 0 || b.page != pageList // at the top it stays at the top
	if i := slices.IndexFunc(b.rows, func(r row) bool { return idOf(r.Router) == b.chosen }); i >= 0 && follows {
		b.cursor = i
	}
	b.move(0)
}

// filtering is the filter in force: what is being written, while it is.
func (b *board) filtering() string {
	if b.typing {
		return b.typed
	}
	return b.filter
}

// matches tells whether a router has all the words, in lower case.
func matches(r *stats.Router, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := []string{r.Name, r.Interface, r.State, r.Family, r.Group}
	if len(r.AlarmList) > 0 {
		text = append(text, "alarm")
	}
	for _, a := range r.Addresses {
		text = append(text, a.Address)
	}
	all := strings.ToLower(strings.Join(text, " "))
	for _, w := range words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

// move moves the cursor by some rows.
func (b *board) move(n int) {
	if b.cursor = max(min(b.cursor+n, len(b.rows)-1), 0); len(b.rows) > 0 && b.page == pageList {
		b.chosen = idOf(b.rows[b.cursor].Router)
	}
}

// render draws the page: height lines of width cells.
func (b *board) render() string {
	var lines []string
	switch {
	case b.page == pageHelp:
		lines = b.scrolled(b.title("help"), helpLines(), "esc back   q quit")
	case b.now == nil:
		lines = b.waiting()
	case b.page == pageOne:
		lines = b.one()
	case b.page == pageLAN:
		lines = b.speakers()
	default:
		lines = b.list()
	}
	return strings.Join(lines[:min(len(lines), b.height)], "\n")
}

func (b *board) waiting() []string {
	if b.err != nil {
		return []string{b.title(""), b.paint(bad, fit("no answer: "+b.err.Error(), b.width))}
	}
	return []string{b.title(""), fit("asking the daemon ...", b.width)}
}

// scrolled is a page of lines of which a part is shown, between a title and a footer.
func (b *board) scrolled(title string, all []string, footer string) []string {
	room := max(b.height-2, 1)
	b.lines = len(all)
	b.scroll = max(min(b.scroll, len(all)-room), 0)
	shown := all[b.scroll:min(b.scroll+room, len(all))]
	lines := append(make([]string, 0, b.height), title)
	for _, line := range shown {
		lines = append(lines, ansi.Truncate(line, b.width, ""))
	}
	for len(lines) < room+1 {
		lines = append(lines, "")
	}
	if len(all) > room {
		footer += "   up/down scroll"
	}
	return append(lines, b.paint(dim, fit(footer, b.width)))
}
