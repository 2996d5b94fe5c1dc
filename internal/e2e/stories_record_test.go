package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/flight"
	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

func parseEvents(t *testing.T, text string) (all []stats.Event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e stats.Event
		must(t, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

// recordings are files of the flight recorder, by name, to be dissected.
type recordings []recording

type recording struct {
	name string
	data []byte
}

// records takes a recording of each host's vrrpx, replays it, and compares the changes
// of state of the replay with those of the history: the same ones, at the same stamps.
func (s *scene) records(hosts ...*testnet.Host) {
	s.Helper()
	for _, h := range hosts {
		file := filepath.Join(s.TempDir(), h.Name+".pcapng")
		if out, code := vrrpx(s.T, h, "record", "-o", file); code != 0 {
			s.Fatalf("vrrpx record on %s: exit %d: %s", h.Name, code, out)
		}
		moved := s.replay(h, file)
		var told []stats.Event
		for _, e := range s.events(h) {
			switch e.Kind {
			case stats.EventStart:
				told = nil // a recording is of one run
			case stats.EventTransition:
				told = append(told, e)
			}
		}
		if len(told) == 0 || len(moved) != len(told) {
			s.Errorf("%s: the replay has %d changes of state, the history %d", h.Name, len(moved), len(told))
			continue
		}
		for i, m := range moved {
			e := told[i]
			// The history has the time of day: two readings of the clocks apart.
			off := testnet.FromTime(e.At).Sub(m.At).Abs()
			if m.From.String() != e.From || m.To.String() != e.To || m.Reason.Code.String() != e.Code || time.Duration(e.Silence) != m.Reason.Silence || off > 5*time.Millisecond {
				s.Errorf("%s: the replay has %v to %v (%v) %v from the history's %+v", h.Name, m.From, m.To, m.Reason, off, e)
			}
		}
	}
}

// keptItself waits for the file that a host's recorder leaves of an unplanned change of
// state, and replays it: that change is in it.
func (s *scene) keptItself(hosts ...*testnet.Host) {
	s.Helper()
	for _, h := range hosts {
		var files []string
		await(s.T, "a recording that "+h.Name+" takes by itself", func() bool {
			files, _ = filepath.Glob(filepath.Join(historyDir(s.T, h), history.Recordings, "*.pcapng")) // the pattern is good
			return len(files) > 0
		})
		moved := s.replay(h, files[0])
		last := s.event(h, stats.EventTransition)
		if n := len(moved); n == 0 || moved[n-1].To.String() != last.To || moved[n-1].Reason.Code.String() != last.Code {
			s.Errorf("%s kept %+v by itself, and its last change of state was %+v", h.Name, moved, last)
		}
	}
}

// replay steps what a file has again, and leaves the file to be dissected.
func (s *scene) replay(h *testnet.Host, file string) []flight.Moved {
	s.Helper()
	data, err := os.ReadFile(file)
	must(s.T, err)
	*s.files = append(*s.files, recording{s.title + ", " + h.Name + ", " + filepath.Base(file), data})
	captures, err := flight.ReadFile(bytes.NewReader(data))
	must(s.T, err)
	if len(captures) != 1 {
		s.Fatalf("%s: %d routers are recorded", file, len(captures))
	}
	res, err := flight.Replay(&captures[0])
	must(s.T, err)
	if res.Steps == 0 || res.Skipped > 0 {
		s.Errorf("%s: %d steps, %d records skipped", file, res.Steps, res.Skipped)
	}
	return res.Moved
}

// complains tells whether tshark finds a frame malformed, or has a warning or worse of it.
func complains(fields []string) bool {
	const warning = 0x600000 // epan/proto.h
	if len(fields) != 4 || fields[1] != "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(fields[2], ","), func(severity string) bool {
		n, err := strconv.ParseUint(severity, 0, 32)
		return severity != "" && (err != nil || n >= warning)
	})
}

// dissect has tshark open all files: it has no complaint, and finds frames. It is put off
// to the end, since it takes the CPU from who is to be in time.
func (r recordings) dissect(t *testing.T) {
	for _, f := range r {
		file := filepath.Join(t.TempDir(), "f.pcapng")
		must(t, os.WriteFile(file, f.data, 0o600))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		cmd := exec.CommandContext(ctx, "tshark", "-n", "-r", file, "-T", "fields", "-e", "frame.number", "-e", "_ws.malformed", "-e", "_ws.expert.severity", "-e", "_ws.expert.message")
		var complaints bytes.Buffer
		cmd.Stderr = &complaints
		out, err := cmd.Output()
		cancel()
		said := strings.Replace(complaints.String(), "Running as user \"root\" and group \"root\". This could be dangerous.\n", "", 1)
		if err != nil || said != "" {
			t.Errorf("tshark on %s: %v: %s", f.name, err, said)
		}
		frames := 0
		for line := range strings.Lines(string(out)) {
			frames++
			if complains(strings.Split(strings.TrimSuffix(line, "\n"), "\t")) {
				t.Errorf("tshark complains of %q", line)
			}
		}
		if frames == 0 {
			t.Errorf("tshark sees no frame in %s", f.name)
		}
	}
}
