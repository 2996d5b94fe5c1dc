package stats

import (
	"math"
	"strconv"
	"time"
)

// Seconds is a duration that JSON shows as decimal seconds.
type Seconds time.Duration

// MarshalJSON writes decimal seconds with nanosecond resolution.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads decimal seconds.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	*s = Seconds(math.Round(f * float64(time.Second)))
	return nil
}

func (s Seconds) String() string { return time.Duration(s).String() }
