package auth

import "slices"

// Over several heartbeat lines one sender's numbers come out of order: each line
// has a delay of its own. A window takes each number once, in any order, and
// none that is not above the floor.
type window struct {
	span  int // numbers remembered; up to 1: each must be above the last
	floor uint64
	seen  []uint64
}

// spanOfLine is how many adverts one line may be behind another.
const spanOfLine = 16

// spanOf is the span for a number of heartbeat lines beside the first.
func spanOf(lines int) int {
	if lines == 0 {
		return 1
	}
	return spanOfLine * (lines + 1)
}

// admits tells whether a number is new.
func (w *window) admits(n uint64) bool {
	return later(n, w.floor) && !slices.Contains(w.seen, n)
}

// take remembers a number that admits has passed.
func (w *window) take(n uint64) {
	w.seen = append(w.seen, n)
	if len(w.seen) < max(w.span, 1) {
		return
	}
	lowest := 0
	for i := range w.seen {
		if later(w.seen[lowest], w.seen[i]) {
			lowest = i
		}
	}
	w.floor = w.seen[lowest]
	w.seen = slices.Delete(w.seen, lowest, lowest+1)
}

// reset forgets everything; numbers must be above floor from now on.
func (w *window) reset(floor uint64) { w.floor, w.seen = floor, w.seen[:0] }

// highest is the highest number taken.
func (w *window) highest() uint64 {
	h := w.floor
	for _, n := range w.seen {
		if later(n, h) {
			h = n
		}
	}
	return h
}

// aSecond is how far below the first number of a sender those may be that other
// lines bring after it.
const aSecond = uint64(1) << 32

// begin is reset to the first number of a sender.
func (w *window) begin(n uint64) {
	if w.span <= 1 {
		w.reset(n)
		return
	}
	w.reset(n - aSecond)
	w.take(n)
}
