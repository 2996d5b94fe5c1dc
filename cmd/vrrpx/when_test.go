package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTimesAsPeopleNameThem(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	now := time.Date(2026, 11, 23, 2, 30, 0, 0, zone)
	for text, want := range map[string]when{
		"02:13":                     {time.Date(2026, 11, 23, 2, 13, 0, 0, zone), time.Minute},
		"02:13:07":                  {time.Date(2026, 11, 23, 2, 13, 7, 0, zone), time.Second},
		"02:13:07.361":              {time.Date(2026, 11, 23, 2, 13, 7, 361e6, zone), time.Millisecond},
		"02:30":                     {now, time.Minute},
		"02:31":                     {time.Date(2026, 11, 22, 2, 31, 0, 0, zone), time.Minute}, // yesterday
		"23:59":                     {time.Date(2026, 11, 22, 23, 59, 0, 0, zone), time.Minute},
		"2026-11-22 02:13":          {time.Date(2026, 11, 22, 2, 13, 0, 0, zone), time.Minute},
		"2026-11-22 02:13:07":       {time.Date(2026, 11, 22, 2, 13, 7, 0, zone), time.Second},
		"2026-11-22T02:13:07":       {time.Date(2026, 11, 22, 2, 13, 7, 0, zone), time.Second},
		"2026-11-22T02:13:07Z":      {time.Date(2026, 11, 22, 3, 13, 7, 0, zone), time.Second},
		"2026-11-22T02:13:07.5Z":    {time.Date(2026, 11, 22, 3, 13, 7, 5e8, zone), time.Millisecond},
		"2026-11-23T02:13:07+01:00": {time.Date(2026, 11, 23, 2, 13, 7, 0, zone), time.Second},
		"-10m":                      {now.Add(-10 * time.Minute), time.Second},
		"-1h30m":                    {now.Add(-90 * time.Minute), time.Second},
	} {
		got, err := parseWhen(text, now)
		if err != nil || !got.at.Equal(want.at) || got.exact != want.exact {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"yesterday": "is no time", "25:00": "is no time", "": "is no time", "10m": "is no time", "-": "has passed", "--5m": "has passed", "-x": "has passed",
		"2026-11-23 02:31": "is to come", "2027-01-01T00:00:00Z": "is to come",
	} {
		_, err := parseWhen(text, now)
		var u usageError
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &u) {
			t.Errorf("%q: %v, want a usage error with %q", text, err, want)
		}
	}
}
