// Package watch is `vrrpx watch`: a live view of the daemon's snapshots, on a
// terminal or as plain lines. What is shown is made by pure functions of two
// snapshots and the keys pressed (board); the terminal is bubbletea's (screen).
// It only asks the control socket, and no more often than it can afford.
package watch

import (
	"context"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// Source is who is asked: the daemon's control socket.
type Source interface {
	Status(context.Context) (*stats.Status, error)
	Speakers(context.Context) (*stats.Speakers, error)
}

// askTime is how long an answer is waited for.
const askTime = 5 * time.Second

// share is what watching may take of one CPU: the time from one refresh to the next
// is at least so many times what the last one took. With 255 routers the answer
// has about a megabyte.
const share = 66 // 1.5 %

// longest is the longest time that share may make of the interval.
const longest = 5 * time.Second

// pause is how long to wait before the next refresh, when the last cost so much
// CPU time.
func pause(interval, cost time.Duration) time.Duration {
	return max(interval, min(cost*share, longest))
}
