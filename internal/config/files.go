package config

import (
	"path/filepath"
	"strconv"
	"strings"
)

// Files is what the configuration says of the process's own files, and of
// where it runs.
type Files struct {
	// Namespace is the network namespace to run in (net_namespace), one of
	// /run/netns; empty for that of who starts it.
	Namespace string
	Instance  string // instance: keeps the files of several daemons on a host apart
	PIDDir    bool   // use_pid_dir: pid files in /run/keepalived

	DataUseInstance bool // data_use_instance: Namespace and Instance are part of the dumps' names

	// The dumps of SIGUSR1, SIGUSR2 and the JSON signal (state_dump_file,
	// stats_dump_file, json_dump_file); empty for keepalived's names in /tmp.
	StateDump, StatsDump, JSONDump string
	JSONVersion                    int // 1 or 2

	Umask *uint32 // umask, 0 to 0777; nil where not given
}

func (in *interpreter) setPath(to *string, w word) {
	if !filepath.IsAbs(w.text) {
		in.diags.errorf(w.pos, "begin it with /", "%s %s: expected an absolute path", in.name, quote(w.text))
		return
	}
	*to = filepath.Clean(w.text)
}

// setFileName takes a word that becomes part of file names.
func (in *interpreter) setFileName(to *string, w word) {
	if w.text == "" || w.text == "." || w.text == ".." || strings.ContainsAny(w.text, "/\x00") || len(w.text) > 64 {
		in.diags.errorf(w.pos, "", "%s %s: expected a name without /, of at most 64 characters", in.name, quote(w.text))
		return
	}
	*to = w.text
}

// umaskBits are the names of the bits in keepalived's umask, as those of
// <sys/stat.h> without S_.
var umaskBits = map[string]uint32{
	"IRUSR": 0o400, "IWUSR": 0o200, "IXUSR": 0o100,
	"IRGRP": 0o040, "IWGRP": 0o020, "IXGRP": 0o010,
	"IROTH": 0o004, "IWOTH": 0o002, "IXOTH": 0o001,
}

func (in *interpreter) setUmask(w word) {
	mask, ok := ParseUmask(w.text)
	if !ok {
		in.diags.errorf(w.pos, "", "umask %s: expected 0 to 0777, or names such as IWGRP|IWOTH", quote(w.text))
		return
	}
	in.global.Umask = &mask
}

// ParseUmask reads a umask: a number with C's prefixes, or the names of bits
// with | between them.
func ParseUmask(s string) (uint32, bool) {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		n, err := strconv.ParseUint(s, 0, 32)
		return uint32(n), err == nil && n <= 0o777 && !strings.ContainsAny(s, "_oObB")
	}
	mask := uint32(0)
	for name := range strings.SplitSeq(s, "|") {
		bit, ok := umaskBits[strings.TrimSpace(name)]
		if !ok {
			return 0, false
		}
		mask |= bit
	}
	return mask, true
}
