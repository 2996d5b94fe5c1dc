package testnet

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// recorder is a test that notes how it was stopped.
type recorder struct {
	testing.TB
	word string
}

func (r *recorder) Fatalf(format string, args ...any) { r.stop("fatal", format, args...) }
func (r *recorder) Skipf(format string, args ...any)  { r.stop("skip", format, args...) }
func (r *recorder) stop(how, format string, args ...any) {
	r.word = how + ": " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func need(t *testing.T, what ...string) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Need(r, what...)
	}()
	<-done
	return r.word
}

func TestNeedNamesWhatIsMissing(t *testing.T) {
	const missing = "no-such-program"
	t.Setenv("CI", "")
	if got := need(t, "go"); got != "" {
		t.Errorf("with all there: %q", got)
	}
	if got := need(t, "go", missing); !strings.HasPrefix(got, "skip: ") || !strings.Contains(got, missing) {
		t.Errorf("on a person's machine: %q", got)
	}
	t.Setenv("CI", "true")
	if got := need(t, "go", missing); !strings.HasPrefix(got, "fatal: ") || !strings.Contains(got, missing) {
		t.Errorf("in CI: %q", got)
	}
}
