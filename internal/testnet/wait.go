package testnet

import "time"

// WaitFor polls pred every 2 ms until it holds, and tells whether it did
// before the timeout. It always asks at least once.
func WaitFor(timeout time.Duration, pred func() bool) bool {
	for end := time.Now().Add(timeout); ; time.Sleep(2 * time.Millisecond) {
		if pred() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}
