package main

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/pflag"
)

// described is the command line as tools/manual reads it (`vrrpx help --json`), to
// make manuals and completions of what --help is made of.
type described struct {
	About    string             `json:"about"`
	Commands []describedCommand `json:"commands"`
}

type describedCommand struct {
	Name  string          `json:"name"`
	Usage string          `json:"usage"` // behind "vrrpx "
	Short string          `json:"short"`
	Flags []describedFlag `json:"flags"`
}

type describedFlag struct {
	Long     string   `json:"long"`
	Letter   string   `json:"letter,omitempty"`
	Value    string   `json:"value,omitempty"`    // what stands for it: FILE, duration; empty: a switch
	Optional bool     `json:"optional,omitempty"` // it may be left out
	Choices  []string `json:"choices,omitempty"`  // all that it can be
	Default  string   `json:"default,omitempty"`
	Text     string   `json:"text,omitempty"`
	Repeat   bool     `json:"repeat,omitempty"` // may be given several times
}

const about = "VRRP with adverts filtered, stamped and timed in the kernel"

// describe asks each command for its help, so that it defines its flags.
func describe(ctx context.Context) described {
	d := described{About: about}
	for _, c := range commands() {
		dc := describedCommand{Name: c.name, Usage: c.usage, Short: c.short, Flags: []describedFlag{}}
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		flags.SetOutput(io.Discard)
		flags.SortFlags = false
		flags.Usage = func() {}
		_ = c.run(ctx, env{stdout: io.Discard, stderr: io.Discard}, flags, []string{"--help"}) // pflag.ErrHelp
		flags.VisitAll(func(f *pflag.Flag) { dc.Flags = append(dc.Flags, describeFlag(f)) })
		if c.name == "keepalived" {
			for _, o := range new(keepalivedOptions).options() {
				dc.Flags = append(dc.Flags, describeOption(o))
			}
		}
		d.Commands = append(d.Commands, dc)
	}
	return d
}

func describeFlag(f *pflag.Flag) describedFlag {
	value, text := pflag.UnquoteUsage(f)
	d := describedFlag{Long: f.Name, Letter: f.Shorthand, Value: value, Choices: f.Annotations[choices], Text: text}
	if _, ok := f.Value.(pflag.SliceValue); ok {
		d.Repeat = true
	}
	switch f.DefValue {
	case "", "false", "[]", "0", "0s":
	default:
		d.Default = f.DefValue
	}
	return d
}

// describeOption is one of keepalived's.
func describeOption(o option) describedFlag {
	d := describedFlag{Long: o.long, Optional: o.takes == maybeArgument}
	if o.letter != 0 {
		d.Letter = string(o.letter)
	}
	switch {
	case o.takes == nothing:
	case slices.Contains(optionsOfFiles, o.long):
		d.Value = "FILE"
	default:
		d.Value = "ARGUMENT"
	}
	return d
}

// optionsOfFiles are those of keepalived's options whose argument is a path.
var optionsOfFiles = []string{"use-file", "log-file", "pid", "vrrp_pid", "config-test", "checkers_pid", "bfd_pid"}

func printDescription(ctx context.Context, w io.Writer) error {
	return printJSON(w, describe(ctx))
}

// choices annotates a flag with all values that it can have.
const choices = "choices"

func oneOf(flags *pflag.FlagSet, name string, all ...string) {
	_ = flags.SetAnnotation(name, choices, all) // the flag is there
}
