package main

import (
	"time"
)

// The timers of RFC 9568 section 6.1 are written out here, because the
// program's own formulas must not measure it.

// SkewTime is (256 - priority) / 256 of an advert interval, in version 2
// (RFC 3768 section 6.1) of a second.
func SkewTime(version, priority int, interval time.Duration) time.Duration {
	if version == 2 {
		interval = time.Second
	}
	return interval * time.Duration(256-priority) / 256
}

// MasterDown is the time without adverts after which a backup of this priority
// takes over.
func MasterDown(version, priority int, interval time.Duration) time.Duration {
	return 3*interval + SkewTime(version, priority, interval)
}
