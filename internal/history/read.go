package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vrrpx/vrrpx/stats"
)

const (
	// readMost bounds what is read of a file that somebody else has made large.
	readMost = 8 * fileMost
	// seqMost is the highest number that is taken from a file: JSON's readers know no higher
	// one exactly, and the next must not wrap.
	seqMost = 1 << 53
)

// Read returns the events in a directory, in order; none where there is no history. Lines
// that are no events, as the last of a host that lost its power, are passed over. A daemon
// that runs is better asked: it may begin a new file in the middle of this.
func Read(dir string) (events []stats.Event, err error) {
	path := filepath.Join(dir, fileName)
	for _, name := range []string{path + oldSuffix, path} {
		text, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		for line := range bytes.Lines(text) {
			var e stats.Event
			if json.Unmarshal(line, &e) != nil || e.Seq == 0 || e.Seq > seqMost {
				continue
			}
			if n := len(events); n > 0 && e.Seq <= events[n-1].Seq {
				if n < 2 || e.Seq != events[n-2].Seq+2 {
					continue // of a file that was put back
				}
				events = events[:n-1] // a damaged digit in it would hide all that follows
			}
			events = append(events, e)
		}
	}
	return events, nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, readMost))
}

// lines are events as the file has them.
func lines(events []stats.Event) (text []byte) {
	for i := range events {
		b, err := json.Marshal(&events[i])
		if err != nil {
			continue // a year of five digits, in a clock that was never set
		}
		text = append(append(text, b...), '\n')
	}
	return text
}
