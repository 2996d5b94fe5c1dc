// Package version says which vrrpx this is.
package version

import "runtime/debug"

// number is the version of the release that this tree becomes.
const number = "0.1.0"

// commit is set by the Makefile, since builds from a checkout do not always
// stamp it.
var commit string

// String is the number and the commit that was built, as far as known.
func String() string {
	c := commit
	if info, ok := debug.ReadBuildInfo(); ok && c == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				c = s.Value[:12]
			}
		}
	}
	if c == "" {
		return number
	}
	return number + "+" + c
}
