package stats

import (
	"fmt"
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

// UnmarshalJSON reads decimal seconds, up to 292 years.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	ns := math.Round(f * float64(time.Second))
	if math.Abs(ns) >= math.MaxInt64 {
		return fmt.Errorf("%s seconds are more than a duration has", b)
	}
	*s = Seconds(ns)
	return nil
}

func (s Seconds) String() string { return time.Duration(s).String() }
