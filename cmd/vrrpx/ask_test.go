package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/vrrpx/vrrpx/internal/control"
)

// Whoever asks a daemon that does not answer is told what to do.
func TestHintsOfWhoAsks(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&os.PathError{Err: syscall.ENOENT}, "vrrpx run -f"},
		{&os.PathError{Err: syscall.ECONNREFUSED}, "vrrpx run -f"},
		{&os.PathError{Err: syscall.EACCES}, "as root"},
		{fmt.Errorf("asked: %w", control.ErrUnknown), "restart it"},
		{&url.Error{Op: "Get", Err: context.DeadlineExceeded}, "journalctl"},
	} {
		var b bytes.Buffer
		complain(&b, explainAsk("/run/vrrpx/control.sock", c.err))
		if _, said, ok := strings.Cut(b.String(), "vrrpx: hint: "); !ok || !strings.Contains(said, c.want) {
			t.Errorf("%v: %q, want a hint with %q", c.err, b.String(), c.want)
		}
	}
}
