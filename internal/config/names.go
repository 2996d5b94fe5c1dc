package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// numbers is a kind of number that may be written by the name that iproute2's
// file gives it.
type numbers struct {
	what  string // for people
	file  string // below /etc/iproute2
	fixed map[string]uint32
	max   uint64
}

var (
	tables    = numbers{"table", "rt_tables", map[string]uint32{"default": 253, "main": 254, "local": 255}, 1<<32 - 1}
	protocols = numbers{"protocol", "rt_protos", map[string]uint32{
		"none": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12,
		"dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": 18, "babel": 42,
	}, 255}
	dsfields = numbers{"tos", "rt_dsfield", nil, 255}
	realmIDs = numbers{"realm", "rt_realms", nil, 255}
	groups   = numbers{"interface group", "group", nil, 1<<31 - 1}
	scopeIDs = numbers{"scope", "rt_scopes", map[string]uint32{"global": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}, 255}
)

// where iproute2 keeps its names: the distribution's, then the administrator's.
var namesDirs = []string{"/usr/share/iproute2", "/etc/iproute2"}

const maxNames = 1 << 20 // bytes of one file

// number reads a number of a kind, or its name.
func (in *interpreter) number(w word, of numbers) (uint32, bool) {
	if n, ok := cNumber(w.text); ok {
		if n > of.max {
			in.diags.errorf(w.pos, "", "%s %s: expected at most %d", of.what, quote(w.text), of.max)
		}
		return uint32(n), n <= of.max
	}
	if n, ok := of.fixed[w.text]; ok {
		return n, true
	}
	if n, ok := in.namesIn(of.file)[w.text]; ok && uint64(n) <= of.max {
		return n, true
	}
	in.diags.errorf(w.pos, "write the number, or name it in /etc/iproute2/"+of.file, "%s %s: expected a number, or a name of /etc/iproute2/%s", of.what, quote(w.text), of.file)
	return 0, false
}

// namesIn reads such a file: lines of a number and a name. What is in no file
// cannot be meant: it need not exist.
func (in *interpreter) namesIn(file string) map[string]uint32 {
	if names := in.names[file]; names != nil || in.files == nil {
		return names
	}
	names := map[string]uint32{}
	for _, dir := range namesDirs {
		paths, _ := filepath.Glob(filepath.Join(dir, file+".d", "*.conf")) // its only error is a bad pattern
		for _, path := range append([]string{filepath.Join(dir, file)}, paths...) {
			readNames(path, func(fields []string) {
				if n, ok := cNumber(fields[0]); ok && n < 1<<32 {
					names[fields[1]] = uint32(n)
				}
			})
		}
	}
	if in.names == nil {
		in.names = map[string]map[string]uint32{}
	}
	in.names[file] = names
	return names
}

// readNames calls take with the words of each line that has two or more.
func readNames(path string, take func(fields []string)) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxNames {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 1 {
			take(fields)
		}
	}
}

// cNumber reads 10, 0x0a or 012, as C's strtoul does with base 0.
func cNumber(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && (s[:2] == "0x" || s[:2] == "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		base = 8
	}
	n, err := strconv.ParseUint(s, base, 64)
	return n, err == nil
}

// ipProtocol reads ipproto: a number, or a name of /etc/protocols.
func (in *interpreter) ipProtocol(w word) (uint32, bool) {
	n, err := strconv.ParseUint(w.text, 10, 8)
	if err == nil && n <= 127 {
		return uint32(n), true
	}
	if n, ok := wellKnown[w.text]; ok {
		return n, true
	}
	found := false
	if in.files != nil {
		readNames("/etc/protocols", func(fields []string) {
			p, err := strconv.ParseUint(fields[1], 10, 8)
			for i, name := range fields {
				if i != 1 && name == w.text && err == nil {
					n, found = p, true
				}
			}
		})
	}
	if !found {
		in.diags.errorf(w.pos, "", "ipproto %s: expected a number from 0 to 127, or a name such as tcp", quote(w.text))
	}
	return uint32(n), found
}

// wellKnown are names that a host without /etc/protocols has too.
var wellKnown = map[string]uint32{"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "ospf": 89, "vrrp": 112, "sctp": 132}
