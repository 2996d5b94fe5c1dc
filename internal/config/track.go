package config

import "time"

// Script is a vrrp_script: a check that runs again and again, and of which
// routers make their priority.
type Script struct {
	Pos      Pos
	Name     string
	Command  Command
	Interval time.Duration // from start to start, 1 ms or more
	Timeout  time.Duration // after which a run has failed; above 0
	Weight   Weight        // where track_script gives none
	Rise     int           // successes in a row that end a failure, at least 1
	Fall     int           // failures in a row that end a success, at least 1
	InitFail bool          // failing until it succeeds
}

// Command is a program that the configuration names.
type Command struct {
	Pos  Pos
	Argv []string // empty: none; the program may be a name in PATH
	User string   // script_user where empty
	// Group is the user's own where empty.
	Group string
}

// Weight is what a tracked thing does to the priority of a router: above 0 it
// is added while the thing is up, below 0 while it is down. 0 decides between
// FAULT and none. Reverse turns the sign of what is added, or what FAULT needs.
type Weight struct {
	N       int // -253 to 253; of a file, which it is a factor of, and of a process to 254
	Reverse bool
}

// Track is a line of track_script or track_interface.
type Track struct {
	Pos    Pos
	Name   string
	Weight Weight
}

// Notify are the programs that are told of a router's or group's transitions.
type Notify struct {
	Master, Backup, Fault, Stop Command
	Any                         Command // notify: with arguments that say which
	MasterHearsLower            Command // notify_master_rx_lower_pri
	Alarm                       Command // notify_alarm, vrrpx's own: with arguments that say which
	// AsDeleted: that a reload has removed the router is DELETED and no FAULT
	// (notify_deleted); Deleted is then told too.
	AsDeleted bool
	Deleted   Command
}

const (
	maxWeight         = 253
	minScriptInterval = time.Millisecond
	maxScriptInterval = 4294 * time.Second
	maxTally          = 2147483647
)

// newScript begins a vrrp_script.
func (in *interpreter) newScript(s *statement) {
	name := s.words[1]
	for _, other := range in.scripts {
		if other.Name == name.text {
			in.diags.errorf(name.pos, "give each vrrp_script a name of its own", "vrrp_script %s is defined twice, first at %s", quote(name.text), other.Pos)
		}
	}
	in.script = &Script{Pos: s.pos(), Name: name.text, Interval: time.Second, Rise: 1, Fall: 1}
	in.scripts = append(in.scripts, in.script)
}

// endScripts completes the scripts, whose defaults depend on one another.
func (in *interpreter) endScripts() {
	for _, s := range in.scripts {
		if len(s.Command.Argv) == 0 {
			in.diags.errorf(s.Pos, `add script "/usr/local/bin/check"`, "vrrp_script %s: script is missing", quote(s.Name))
		}
		if s.Timeout == 0 {
			s.Timeout = s.Interval
		}
	}
}

// setCommand reads script or one of the notify keywords: the program and its
// arguments in one word, then perhaps a user and a group.
func (in *interpreter) setCommand(to *Command, s *statement) {
	w := s.words[1]
	argv, ok := splitCommand(w.text)
	switch {
	case !ok:
		in.diags.errorf(w.pos, "close the quote", "%s: a quote in it is never closed", s.name())
		return
	case len(argv) == 0 || argv[0] == "":
		in.diags.errorf(w.pos, "", "%s: expected a program", s.name())
		return
	}
	*to = Command{Pos: w.pos, Argv: argv, User: to.User, Group: to.Group}
	if len(s.words) > 2 {
		to.User, to.Group = s.words[2].text, ""
	}
	if len(s.words) > 3 {
		to.Group = s.words[3].text
	}
}

// splitCommand cuts a command line as keepalived does: at blanks, but not in
// "" or ”, and \ takes the next byte as it is. It is false when a quote is
// left open.
func splitCommand(s string) (argv []string, ok bool) {
	var arg []byte
	inside, begun := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && inside != '\'' && i+1 < len(s):
			i++
			arg, begun = append(arg, s[i]), true
		case inside != 0 && c == inside:
			inside = 0
		case inside == 0 && (c == '"' || c == '\''):
			inside, begun = c, true
		case inside == 0 && (blank(c) || c == '\n'):
			if begun {
				argv = append(argv, string(arg))
			}
			arg, begun = nil, false
		default:
			arg, begun = append(arg, c), true
		}
	}
	if begun {
		argv = append(argv, string(arg))
	}
	return argv, inside == 0
}

// setWeight reads weight N [reverse].
func (in *interpreter) setWeight(to *Weight, words []word, most int) {
	n, ok := in.signedNumber(words[0], -most, most)
	if !ok {
		return
	}
	*to = Weight{N: n}
	if len(words) == 1 {
		return
	}
	if words[1].text == "reverse" || words[1].text == "noreverse" {
		to.Reverse = words[1].text == "reverse"
		return
	}
	in.diags.errorf(words[1].pos, "", "%s after weight: expected reverse or the end of the line", quote(words[1].text))
}

// tracks reads the lines of track_script or track_interface.
func (in *interpreter) tracks(to *[]Track, s *statement) { in.tracksTo(to, s, maxWeight) }

// tracksTo does so with weights of other bounds.
func (in *interpreter) tracksTo(to *[]Track, s *statement, most int) {
	for _, line := range s.block {
		t := Track{Pos: line.pos(), Name: line.name(), Weight: Weight{N: unsetWeight}}
		if args := line.args(); len(args) > 0 {
			if args[0].text != "weight" || len(args) < 2 {
				in.diags.errorf(args[0].pos, line.name()+" weight N", "%s %s: expected weight and a number after it", s.name(), quote(line.name()))
				continue
			}
			in.setWeight(&t.Weight, args[1:], most)
		}
		*to = append(*to, t)
	}
}

// unsetWeight marks a line without a weight of its own until it is resolved.
const unsetWeight = maxFileWeight + 1

// resolveTracks gives the tracked scripts their own weights and looks whether
// there are such scripts.
func (in *interpreter) resolveTracks(d *draft) {
	known := map[string]*Script{}
	for _, s := range in.scripts {
		known[s.Name] = s
	}
	kept := d.Scripts[:0]
	for _, t := range d.Scripts {
		s := known[t.Name]
		if s == nil {
			in.diags.errorf(t.Pos, "define it: vrrp_script "+plain(t.Name)+" { ... }", "(%s) track_script %s: there is no such vrrp_script", plain(d.Name), quote(t.Name))
			continue
		}
		if t.Weight.N == unsetWeight {
			t.Weight = s.Weight
		}
		kept = append(kept, t)
	}
	d.Scripts = kept
	for i := range d.Interfaces {
		if t := &d.Interfaces[i]; t.Weight.N == unsetWeight {
			t.Weight = Weight{}
		}
	}
	in.trackedOnce(d, "track_script", d.Scripts)
	in.trackedOnce(d, "track_interface", d.Interfaces)
	in.resolveTracked(d)
	if d.group != nil {
		in.trackAsGroup(d)
	}
	if !d.isGroup { // else those of its members are reported
		in.reportWeights(d)
	}
	if d.Priority == 255 {
		for _, t := range append(d.Scripts[:len(d.Scripts):len(d.Scripts)], d.Interfaces...) {
			if t.Weight.N != 0 {
				in.diags.warnf(t.Pos, "use a priority below 255", "(%s) the weight of %s has no effect: priority 255 is never adjusted", plain(d.Name), quote(t.Name))
			}
		}
	}
}

// reportWeights tells to what the priority falls when one thing alone fails: it
// moves the addresses only if that is below a backup's, which many files forget.
func (in *interpreter) reportWeights(d *draft) {
	if d.Priority == 255 {
		return
	}
	for _, t := range d.weighted() {
		if t.Weight.Reverse {
			continue
		}
		in.diags.reportf(Notice, t.Pos, "weight 0, or none, gives the addresses up whatever the others have",
			"(%s) when %s alone fails the priority falls from %d to %d: the addresses move only to a host above that",
			plain(d.Name), quote(t.Name), clampPriority(d.standing()), clampPriority(d.without(t)))
	}
}

func clampPriority(n int) int { return min(max(n, 1), 254) }

func (in *interpreter) trackedOnce(d *draft, keyword string, list []Track) {
	first := map[string]Pos{}
	for _, t := range list {
		if at, again := first[t.Name]; again {
			in.diags.errorf(t.Pos, "remove one of the two", "(%s) %s %s is given twice, first at %s", plain(d.Name), keyword, quote(t.Name), at)
		}
		first[t.Name] = t.Pos
	}
}
