package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/explain"
	"github.com/vrrpx/vrrpx/stats"
)

func TestExplainOfOneRouterOrOfAll(t *testing.T) {
	now := time.Date(2026, 11, 23, 2, 17, 19, 0, time.UTC)
	in := explain.Input{Now: now, Status: &stats.Status{Routers: []stats.Router{
		{Name: "VI_1", State: "MASTER", Since: now.Add(-time.Minute)}, {Name: "VI_2", State: "BACKUP", Since: now.Add(-time.Hour)},
	}}}
	for router, want := range map[string]string{"VI_2": "VI_2 is BACKUP", "": "VI_1 is MASTER"} {
		var out bytes.Buffer
		if err := explained(&out, in, router, when{}, false); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%q: %v, %q", router, err, out.String())
		}
		if both := strings.Contains(out.String(), "\n\nVI_2 is BACKUP"); both != (router == "") {
			t.Errorf("%q: %q", router, out.String())
		}
	}
	var out bytes.Buffer
	if err := explained(&out, in, "VI_1", when{now.Add(-time.Second), time.Second}, true); err != nil || !strings.HasPrefix(out.String(), "Nothing is known of 02:17:18") {
		t.Errorf("the past: %v, %q", err, out.String())
	}
	err := explained(&out, in, "VI_3", when{}, false)
	var h hinted
	var u usageError
	if !errors.As(err, &u) || !errors.As(err, &h) || !strings.Contains(h.hint, "VI_1, VI_2") {
		t.Errorf("a router that is not there: %v", err)
	}
}

func TestMistakesInExplain(t *testing.T) {
	for want, args := range map[string][]string{
		`unexpected argument "VI_2"`: {"explain", "VI_1", "VI_2"},
		"--at":                       {"explain", "--at", "noon"},
	} {
		code, _, stderr := call(args...)
		if code != exitUsage || !strings.Contains(stderr, want) || !strings.Contains(stderr, "vrrpx: hint: ") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}
