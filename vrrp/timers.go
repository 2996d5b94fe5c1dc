package vrrp

import "time"

// Skew is the time that a backup of this priority waits beyond the silent
// adverts: (256-priority)/256 of the master's interval in v3 (RFC 9568 section
// 6.1), of one second in v2 (RFC 3768 section 6.1). It is computed in
// nanoseconds: at priority 254 and 10 ms it is 78.125 us, which peers that
// truncate it to zero make all backups wait alike.
func Skew(version, priority uint8, masterInterval time.Duration) time.Duration {
	if version == 2 {
		masterInterval = time.Second
	}
	return masterInterval * time.Duration(256-int(priority)) / 256
}

// MasterDown is the silence after which a backup takes over: adverts (3 in the
// RFCs, keepalived's down_timer_adverts) times the master's interval, and the
// skew.
func MasterDown(version, priority uint8, adverts int, masterInterval time.Duration) time.Duration {
	return time.Duration(adverts)*masterInterval + Skew(version, priority, masterInterval)
}
