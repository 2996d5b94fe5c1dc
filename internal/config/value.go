package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// wholeNumber reads a decimal number from lo to hi. of completes "a whole
// number" in the message.
func (in *interpreter) wholeNumber(w word, lo, hi int, of string) (int, bool) {
	digits := strings.TrimPrefix(w.text, "+")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || int(n) < lo || int(n) > hi {
		want := fmt.Sprintf("a whole number%s from %d to %d", of, lo, hi)
		if hi == lo+1 {
			want = fmt.Sprintf("%d or %d", lo, hi)
		}
		in.diags.errorf(w.pos, "", "%s %s: expected %s", in.name, quote(w.text), want)
		return 0, false
	}
	return int(n), true
}

// signedNumber is wholeNumber with a sign.
func (in *interpreter) signedNumber(w word, lo, hi int) (int, bool) {
	n, err := strconv.Atoi(w.text)
	if err != nil || n < lo || n > hi {
		in.diags.errorf(w.pos, "", "%s %s: expected a whole number from %d to %d", in.name, quote(w.text), lo, hi)
		return 0, false
	}
	return n, true
}

// seconds reads a time in seconds, with or without a fraction, from lo to hi.
func (in *interpreter) seconds(w word, lo, hi time.Duration) (time.Duration, bool) {
	d, ok := parseSeconds(w.text)
	if !ok || d < lo || d > hi {
		in.diags.errorf(w.pos, "", "%s %s: expected seconds from %s to %s", in.name, quote(w.text), showSeconds(lo), showSeconds(hi))
		return 0, false
	}
	return d, true
}

// parseSeconds reads keepalived's decimals: digits with at most one point,
// "1." and ".5" among them, and no exponent or unit. What lies beyond
// nanoseconds is cut off.
func parseSeconds(s string) (time.Duration, bool) {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	if whole == "" && fraction == "" {
		return 0, false
	}
	if whole == "" {
		whole = "0"
	}
	n, err := strconv.ParseUint(whole, 10, 31)
	if err != nil {
		return 0, false
	}
	d := time.Duration(n) * time.Second
	if !point {
		return d, true
	}
	unit := time.Second
	for i := 0; i < len(fraction); i++ {
		if fraction[i] < '0' || fraction[i] > '9' {
			return 0, false
		}
		unit /= 10
		d += time.Duration(fraction[i]-'0') * unit
	}
	return d, true
}

// showSeconds writes d as the file would: 0.1, 1, 40.95.
func showSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// boolean reads a BOOL of keepalived.conf(5).
func (in *interpreter) boolean(w word) (on, ok bool) {
	switch w.text {
	case "on", "true", "yes":
		return true, true
	case "off", "false", "no":
		return false, true
	}
	in.diags.errorf(w.pos, "the keyword alone means on", "%s %s: expected on, true, yes, off, false or no", in.name, quote(w.text))
	return false, false
}

// setAddr reads an IPv4 address for Validate to judge.
func (in *interpreter) setAddr(to *netip.Addr, w word) {
	addr, err := netip.ParseAddr(w.text)
	if err != nil || !addr.Is4() {
		in.diags.errorf(w.pos, "", "%s %s: expected an IPv4 address", in.name, quote(w.text))
		return
	}
	*to = addr
}

// setAnyAddr reads an address of either family for Validate to judge.
func (in *interpreter) setAnyAddr(to *netip.Addr, w word) {
	addr, err := netip.ParseAddr(w.text)
	if err != nil || addr.Zone() != "" {
		in.diags.errorf(w.pos, "", "%s %s: expected an address", in.name, quote(w.text))
		return
	}
	*to = addr
}

// validInterface tells whether the kernel takes s for the name of a device
// (dev_valid_name in net/core/dev.c).
func validInterface(s string) bool {
	return s != "" && len(s) <= maxInterface && s != "." && s != ".." &&
		!strings.ContainsAny(s, "/: \t\n\v\f\r")
}

const wantInterface = "expected the name of a network device, 1 to 15 bytes without / : or blanks"
