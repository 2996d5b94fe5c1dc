package config

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// TrackFile is a track_file: a file with a number in it, which times a weight is
// added to the priority of routers.
type TrackFile struct {
	Pos    Pos
	Name   string
	Path   string // absolute
	Weight Weight // -254 to 254, 1 where none is given; 0: a number other than 0 is a fault
	// Init writes InitValue to the file at the start where it is missing, with
	// Overwrite in any case.
	Init, Overwrite bool
	InitValue       int
}

// TrackProcess is a vrrp_track_process: how many processes of a kind run.
type TrackProcess struct {
	Pos    Pos
	Name   string
	Path   string   // the command: its name in the kernel, or the first word of its command line
	Params []string // the words after it
	Match  ParamMatch
	// FullCommand looks at the command line, and not at the name (15 bytes).
	FullCommand bool
	Weight      Weight // -254 to 254, 0 where none is given: FAULT without quorum
	// It is up while Quorum to QuorumMax of them run, once that has been so for
	// ForkDelay, and down once it has not for TerminateDelay.
	Quorum, QuorumMax         int
	ForkDelay, TerminateDelay time.Duration // 0 or 1 us to 1 hour
}

// ParamMatch is which parameters a process must have.
type ParamMatch uint8

// The kinds of match.
const (
	ParamsAny     ParamMatch = iota
	ParamsExact              // those and no others
	ParamsPartial            // those first
	ParamsInitial            // those first, and the last may be longer
)

const (
	maxFileWeight = 254
	maxQuorum     = 65535
	noQuorumMax   = 1<<31 - 1
	minDelay      = time.Microsecond
	maxProcDelay  = time.Hour
)

var trackFileTable = table{
	"file":      text((*interpreter).setTrackedFile),
	"weight":    keyword{shape: pairShape, set: func(in *interpreter, s *statement) { in.setWeight(&in.trackFile.Weight, s.args(), maxFileWeight) }},
	"init_file": keyword{shape: anyShape, set: (*interpreter).setInitFile},
}

var processTable = table{
	"process":     keyword{shape: anyShape, set: (*interpreter).setProcess},
	"param_match": keyword{shape: optionShape, set: (*interpreter).setParamMatch},
	"weight":      keyword{shape: pairShape, set: func(in *interpreter, s *statement) { in.setWeight(&in.process.Weight, s.args(), maxFileWeight) }},
	"quorum":      number(1, maxQuorum, func(in *interpreter, n int) { in.process.Quorum = n }),
	"quorum_max":  number(0, maxQuorum, func(in *interpreter, n int) { in.process.QuorumMax = n }),
	"delay": seconds(minDelay, maxProcDelay, func(in *interpreter, d time.Duration) {
		in.process.ForkDelay, in.process.TerminateDelay = d, d
	}),
	"fork_delay":      seconds(minDelay, maxProcDelay, func(in *interpreter, d time.Duration) { in.process.ForkDelay = d }),
	"terminate_delay": seconds(minDelay, maxProcDelay, func(in *interpreter, d time.Duration) { in.process.TerminateDelay = d }),
	"full_command":    noValue(func(in *interpreter) { in.process.FullCommand = true }),
}

// newTrackFile begins a track_file.
func (in *interpreter) newTrackFile(s *statement) {
	name := s.words[1]
	for _, other := range in.trackFiles {
		if other.Name == name.text {
			in.diags.errorf(name.pos, "give each track_file a name of its own", "track_file %s is defined twice, first at %s", quote(name.text), other.Pos)
		}
	}
	in.trackFile = &TrackFile{Pos: s.pos(), Name: name.text, Weight: Weight{N: 1}}
	in.trackFiles = append(in.trackFiles, in.trackFile)
}

func (in *interpreter) setTrackedFile(w word) {
	if !filepath.IsAbs(w.text) || strings.HasSuffix(w.text, "/") {
		in.diags.errorf(w.pos, "write its whole path", "file %s: expected the absolute path of a file", quote(w.text))
		return
	}
	in.trackFile.Path = filepath.Clean(w.text)
}

// setInitFile reads init_file [VALUE] [overwrite].
func (in *interpreter) setInitFile(s *statement) {
	in.trackFile.Init, in.trackFile.Overwrite, in.trackFile.InitValue = true, false, 0
	for _, w := range s.args() {
		if w.text == "overwrite" {
			in.trackFile.Overwrite = true
			continue
		}
		n, err := strconv.ParseInt(w.text, 10, 32)
		if err != nil {
			in.diags.errorf(w.pos, "", "init_file %s: expected a number, overwrite or both", quote(w.text))
			continue
		}
		if n < -maxFileWeight || n > maxFileWeight {
			in.diags.warnf(w.pos, "", "init_file %d: no priority is as far as that from another; -%d to %d makes sense", n, maxFileWeight, maxFileWeight)
		}
		in.trackFile.InitValue = int(n)
	}
}

// newProcess begins a vrrp_track_process.
func (in *interpreter) newProcess(s *statement) {
	name := s.words[1]
	for _, other := range in.processes {
		if other.Name == name.text {
			in.diags.errorf(name.pos, "give each vrrp_track_process a name of its own", "vrrp_track_process %s is defined twice, first at %s", quote(name.text), other.Pos)
		}
	}
	in.process = &TrackProcess{Pos: s.pos(), Name: name.text, Quorum: 1, QuorumMax: noQuorumMax}
	in.processes = append(in.processes, in.process)
}

// setProcess reads process COMMAND [PARAMETER...].
func (in *interpreter) setProcess(s *statement) {
	if len(s.words) < 2 || s.words[1].text == "" {
		in.diags.errorf(s.pos(), "process nginx", "process: expected a command after it")
		return
	}
	p := in.process
	p.Path, p.Params = s.words[1].text, nil
	for _, w := range s.words[2:] {
		p.Params = append(p.Params, w.text)
	}
	if len(p.Params) > 0 {
		p.FullCommand = true
		if p.Match == ParamsAny {
			p.Match = ParamsExact
		}
	}
}

func (in *interpreter) setParamMatch(s *statement) {
	match := ParamsExact
	if len(s.words) > 1 {
		switch w := s.words[1]; w.text {
		case "initial":
			match = ParamsInitial
		case "partial":
			match = ParamsPartial
		default:
			in.diags.errorf(w.pos, "alone it means those parameters and no others", "param_match %s: expected initial or partial", quote(w.text))
			return
		}
	}
	in.process.Match, in.process.FullCommand = match, true
}

// endTracked completes the blocks, whose values depend on one another.
func (in *interpreter) endTracked() {
	for _, f := range in.trackFiles {
		if f.Path == "" {
			in.diags.errorf(f.Pos, "add file /run/weight", "track_file %s: file is missing", quote(f.Name))
		}
	}
	const kernelName = 15 // TASK_COMM_LEN less the final NUL
	for _, p := range in.processes {
		switch {
		case p.Path == "":
			in.diags.errorf(p.Pos, "add process nginx", "vrrp_track_process %s: process is missing", quote(p.Name))
		case p.QuorumMax == 0 && p.Quorum <= 1:
			p.Quorum = 0 // none may run
		case p.QuorumMax < p.Quorum:
			in.diags.errorf(p.Pos, "", "vrrp_track_process %s: quorum %d is above quorum_max %d", quote(p.Name), p.Quorum, p.QuorumMax)
		}
		if !p.FullCommand && len(p.Path) > kernelName {
			in.diags.warnf(p.Pos, "add full_command, which looks at the command line",
				"vrrp_track_process %s: no process is ever called %s: the kernel has room for %d bytes", quote(p.Name), quote(p.Path), kernelName)
		}
	}
}

// resolveTracked gives what a router tracks the weights of its definition.
func (in *interpreter) resolveTracked(d *draft) {
	files, processes := map[string]Weight{}, map[string]Weight{}
	for _, f := range in.trackFiles {
		files[f.Name] = f.Weight
	}
	for _, p := range in.processes {
		processes[p.Name] = p.Weight
	}
	d.Files = in.defined(d, "track_file", "track_file", d.Files, files)
	d.Processes = in.defined(d, "track_process", "vrrp_track_process", d.Processes, processes)
}

// defined leaves those of a list that there are.
func (in *interpreter) defined(d *draft, keyword, block string, list []Track, weights map[string]Weight) (kept []Track) {
	in.trackedOnce(d, keyword, list)
	for _, t := range list {
		weight, ok := weights[t.Name]
		if !ok {
			in.diags.errorf(t.Pos, "define it: "+block+" "+plain(t.Name)+" { ... }", "(%s) %s %s: there is no such %s", plain(d.Name), keyword, quote(t.Name), block)
			continue
		}
		if t.Weight.N == unsetWeight {
			t.Weight = weight
		}
		if d.Priority == 255 && t.Weight.N != 0 {
			in.diags.warnf(t.Pos, "use a priority below 255, or weight 0", "(%s) the weight of %s has no effect: priority 255 is never adjusted", plain(d.Name), quote(t.Name))
		}
		kept = append(kept, t)
	}
	return kept
}
