package alarm

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// An alarm that is raised again after its time is another one.
func TestExpiredAlarmBeginsAgain(t *testing.T) {
	var told []string
	b := Board{
		Log: func(slog.Level, string, ...any) {},
		Tell: func(at vrrp.Instant, a *Alarm, begins bool) {
			told = append(told, fmt.Sprintf("%v %s %v", time.Duration(at), a.Kind, begins))
		},
	}
	for _, at := range []time.Duration{time.Second, time.Minute} {
		b.Raise(vrrp.Instant(at), Alarm{Kind: "k", Text: "x", Stands: time.Second})
	}
	if want := []string{"1s k true", "2s k false", "1m0s k true"}; !slices.Equal(told, want) || b.Begun()["k"] != 2 {
		t.Errorf("told %q, want %q; begun %v", told, want, b.Begun())
	}
}
