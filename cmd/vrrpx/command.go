package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// env is what a command may touch of its process, so that tests call commands
// in their own.
type env struct {
	stdout, stderr io.Writer
}

// command is one verb of the command line.
type command struct {
	name, usage, short string
	run                func(context.Context, env, *pflag.FlagSet, []string) error
}

func commands() []command {
	return []command{
		{"run", "run -f FILE | run -i IFACE --vrid N --vip ADDR", "run the daemon in the foreground", runDaemon},
		{"check", "check -f FILE [--peer FILE]", "check a configuration: every error and warning at once", runCheck},
		{"status", "status [--json]", "show each router: state, why, deadline, counters", runStatus},
		{"explain", "explain [ROUTER] [--at TIME]", "say why a router is in its state, what would change that, and what nearly did", runExplain},
		{"events", "events [--since TIME] [--follow] [--json]", "list what happened: transitions, alarms, reloads, pauses", runEvents},
		{"reload", "reload", "read the configuration again; what is not changed in it is not touched", runReload},
		{"doctor", "doctor [-f FILE] [--json]", "look at the host for what keeps routers from working, and say what to do", runDoctor},
		{"record", "record [--since DURATION] [-r ROUTER] -o FILE", "write what the flight recorder has of each router: a pcapng file", runRecord},
		{"watch", "watch [-n INTERVAL]", "show the routers as they change, in the terminal or as lines", runWatch},
		{"speakers", "speakers [--json]", "show who speaks VRRP or CARP on the interfaces, ours and foreign", runSpeakers},
		{"counters", "counters", "show every counter by name", runCounters},
		{"cleanup", "cleanup", "remove what a killed vrrpx left behind", runCleanup},
		{"keepalived", "keepalived [OPTION...]", "run with the command line of keepalived, as under that name", runKeepalived},
		{"demo", "demo", "two namespaced hosts, a VIP, a killed master, the measured takeover", runDemo},
		{"version", "version", "show version, commit, BPF tag and build", runVersion},
	}
}

// Exit codes: 1 for an error, 2 for a command line that is not understood.
const (
	exitError = 1
	exitUsage = 2
)

// hinted is an error with a word on what to do.
type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

func hint(hint, format string, a ...any) error { return hinted{fmt.Errorf(format, a...), hint} }

// usageError is a command line that is not understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// errSilent ends a command with exit code 1 when it has said all itself.
var errSilent = errors.New("")

func run(ctx context.Context, e env, args []string) int {
	err := dispatch(ctx, e, args)
	switch {
	case err == nil || errors.Is(err, pflag.ErrHelp):
		return 0
	case errors.Is(err, errSilent):
		return exitError
	}
	if code := exitCode(0); errors.As(err, &code) {
		return int(code)
	}
	complain(e.stderr, err)
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitError
}

// complain prints an error, and what to do about it.
func complain(w io.Writer, err error) {
	fmt.Fprintf(w, "vrrpx: error: %v\n", err)
	var h hinted
	if errors.As(err, &h) {
		fmt.Fprintf(w, "vrrpx: hint: %s\n", h.hint)
	}
}

func dispatch(ctx context.Context, e env, args []string) error {
	if len(args) == 2 && args[0] == "help" && args[1] == "--json" {
		return printDescription(ctx, e.stdout)
	}
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		usage(e.stdout)
		return nil
	}
	if args[0] == "--version" {
		args[0] = "version"
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		flags := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
		flags.SetOutput(e.stdout)
		flags.SortFlags = false
		flags.Usage = func() {
			fmt.Fprintf(e.stdout, "Usage: vrrpx %s\n  %s\n\n%s", c.usage, c.short, flags.FlagUsages())
		}
		return c.run(ctx, e, flags, args[1:])
	}
	return usageError{hint("vrrpx --help lists the commands", "there is no command %q", args[0])}
}

func usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("vrrpx: " + about + "\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-10s %s\n", c.name, c.short)
	}
	b.WriteString("\nvrrpx COMMAND --help shows its flags.\n")
	io.WriteString(w, b.String())
}

// parse reads the flags of a command that takes no arguments.
func parse(flags *pflag.FlagSet, args []string) error { return parseUpTo(0, flags, args) }

// parseUpTo reads the flags of a command that takes so many arguments at most.
func parseUpTo(most int, flags *pflag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usageError{hint(fmt.Sprintf("vrrpx %s --help shows the flags", flags.Name()), "%w", err)}
	}
	if flags.NArg() > most {
		return usageError{hint(fmt.Sprintf("vrrpx %s --help shows the flags", flags.Name()), "unexpected argument %q", flags.Arg(most))}
	}
	return nil
}

// printJSON writes a value for programs, and for people who look at that.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
