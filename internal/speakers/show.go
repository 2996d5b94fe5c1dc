package speakers

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// CARP has VRRP's protocol number and group. Its one message: version 2, type 1, an
// authlen of 7 words, 36 octets (OpenBSD, sys/netinet/ip_carp.h, struct
// carp_header). A VRRPv2 advert with 7 in that place has 44 octets, and there is none over IPv6.
const (
	carpKind    = 2<<4 | 1
	carpLength  = 36
	carpAuthLen = 7
)

func isCARP(s *Sighting) bool {
	return s.Message[0] == carpKind && s.Length == carpLength && s.Message[3] == carpAuthLen
}

const header = 8 // octets, of VRRP and of what CARP has in its place

// Describe reads a sighting. Interface and Router are for the caller to fill in.
func Describe(k Key, s *Sighting, now vrrp.Instant) stats.LANSpeaker {
	v := stats.LANSpeaker{
		Protocol: "VRRP", VRID: k.VRID, Family: k.Family.String(), Address: k.Src.String(),
		MAC: net.HardwareAddr(s.MAC[:]).String(), Version: k.Kind >> 4, TTL: s.TTL, Verdict: s.Drop.String(),
		Frames: s.Frames, First: stats.Seconds(now.Sub(s.First)), Heard: stats.Seconds(now.Sub(s.Last)),
	}
	m := s.Message[:min(max(s.Length, 0), Kept)]
	if isCARP(s) {
		skew := m[2]
		v.Protocol, v.Skew = "CARP", &skew
		v.Interval = stats.Seconds(time.Duration(m[5])*time.Second + time.Duration(skew)*time.Second/256)
		return v
	}
	if len(m) < header || k.Kind&15 != 1 || v.Version != 2 && v.Version != 3 {
		return v
	}
	v.Priority = m[2]
	if v.Version == 3 {
		v.Interval = stats.Seconds(time.Duration(binary.BigEndian.Uint16(m[4:])&vrrp.MaxInterval) * 10 * time.Millisecond)
	} else {
		v.Interval = stats.Seconds(time.Duration(m[5]) * time.Second)
	}
	size, n := 4, int(m[3])
	if k.Family == vrrp.IPv6 {
		size = 16
	}
	if s.Length < header+n*size {
		return v // it says more than it has
	}
	shown := min(n, (len(m)-header)/size)
	for i := range shown {
		a, _ := netip.AddrFromSlice(m[header+i*size:][:size]) // of 4 or 16 octets
		v.Addresses = append(v.Addresses, a.String())
	}
	v.More = n - shown
	return v
}

// Sort puts speakers in the order in which they are shown.
func Sort(all []stats.LANSpeaker) {
	slices.SortFunc(all, func(a, b stats.LANSpeaker) int {
		return cmp.Or(cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.Family, b.Family), cmp.Compare(a.VRID, b.VRID),
			compareAddresses(a.Address, b.Address), cmp.Compare(a.Version, b.Version))
	})
}

// SortEars does the same with the interfaces.
func SortEars(all []stats.Ear) {
	slices.SortFunc(all, func(a, b stats.Ear) int { return cmp.Compare(a.Interface, b.Interface) })
}

func compareAddresses(a, b string) int {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}

// Print writes them as a table for people, and what they are not told by it.
func Print(w io.Writer, all *stats.Speakers) {
	PrintTable(w, all, 2)
	for _, note := range Notes(all) {
		fmt.Fprintln(w, note)
	}
}

// PrintTable writes the table alone, of which each row is a line, with so many blanks
// between its columns.
func PrintTable(w io.Writer, all *stats.Speakers, blanks int) {
	if len(all.Speakers) == 0 {
		fmt.Fprintln(w, "nobody has been heard to speak VRRP or CARP")
	} else {
		var text strings.Builder
		t := tabwriter.NewWriter(&text, 0, 8, blanks, ' ', 0)
		fmt.Fprintln(t, "DEVICE\tVRID\tWHOSE\tADDRESS\tSPEAKS\tPRI\tEVERY\tHEARD\tMAC\tFOR")
		for i := range all.Speakers {
			s := &all.Speakers[i]
			fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s ago\t%s\t%s\n",
				s.Interface, s.VRID, whose(s), s.Address, protocol(s), priority(s), every(s), ago(time.Duration(s.Heard)), s.MAC, addresses(s))
		}
		_ = t.Flush() // a Builder takes all
		for line := range strings.Lines(text.String()) {
			fmt.Fprintln(w, strings.TrimRight(line, " \n"))
		}
	}
}

// Notes are sentences on what was not heard.
func Notes(all *stats.Speakers) (notes []string) {
	for _, e := range all.Ears {
		if e.By == "none" {
			notes = append(notes, e.Interface+": nothing is heard there")
		}
		if e.NotListed > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d frames came from more senders at once than are listed; they may be forged", e.Interface, e.NotListed))
		}
	}
	return notes
}

func protocol(s *stats.LANSpeaker) string {
	if s.Protocol == "VRRP" {
		return fmt.Sprintf("VRRPv%d", s.Version)
	}
	return s.Protocol
}

func priority(s *stats.LANSpeaker) string {
	if s.Skew != nil {
		return fmt.Sprintf("skew %d", *s.Skew)
	}
	return fmt.Sprint(s.Priority)
}

func every(s *stats.LANSpeaker) string {
	if s.Interval == 0 {
		return "?"
	}
	return s.Interval.String()
}

// ago is as exact as one reads it.
func ago(d time.Duration) time.Duration {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond)
	case d < time.Minute:
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

func whose(s *stats.LANSpeaker) string {
	who := s.Router
	if who == "" {
		return "foreign"
	}
	if s.Verdict != vrrp.Accepted.String() {
		who += " (dropped: " + s.Verdict + ")"
	}
	return who
}

func addresses(s *stats.LANSpeaker) string {
	text := strings.Join(s.Addresses, " ")
	if s.More > 0 {
		text += fmt.Sprintf(" and %d more", s.More)
	}
	return text
}
