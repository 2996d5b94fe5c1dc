package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/vrrpx/vrrpx/internal/flight"
)

// recording tells whether a file is one of the flight recorder's, by its first octets,
// and gives what is to be read of it.
func recording(f io.Reader) (*bufio.Reader, bool) {
	r := bufio.NewReader(f)
	head, _ := r.Peek(len(flight.Magic)) // a shorter file is none
	return r, bytes.Equal(head, flight.Magic[:])
}

// replayRecording steps each router's inputs again and compares what comes of it. The
// first difference is the error; before it all routers that agree are printed, with
// their changes of state, by the time since the first record.
func replayRecording(name string, from io.Reader, w io.Writer) error {
	captures, err := flight.ReadFile(from)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for i := range captures {
		c := &captures[i]
		if len(c.Records) == 0 {
			fmt.Fprintf(w, "%s: nothing recorded\n", c.Router)
			continue
		}
		res, err := flight.Replay(c)
		if err != nil {
			return err
		}
		span := c.Records[len(c.Records)-1].Done.Sub(c.Records[0].Done)
		fmt.Fprintf(w, "%s: %d steps of %v replayed, the same effects at the same stamps; %d keyframes agree, begun from %d", c.Router, res.Steps, span, res.Keyframes, res.Begun)
		if res.Skipped > 0 {
			fmt.Fprintf(w, ", %d records skipped: something before them was not recorded", res.Skipped)
		}
		fmt.Fprintln(w)
		for _, m := range res.Moved {
			fmt.Fprintf(w, "  %+v %v to %v: %v\n", m.At.Sub(c.Records[0].Done), m.From, m.To, m.Reason)
		}
	}
	return nil
}

// replayFile replays a recording; false for another file.
func replayFile(name string, w io.Writer) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	r, ok := recording(f)
	if !ok {
		return false, nil
	}
	return true, replayRecording(name, r, w)
}
