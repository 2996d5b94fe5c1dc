package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
)

// runCheck prints all diagnostics and fails when one is an error.
func runCheck(_ context.Context, e env, flags *pflag.FlagSet, args []string) error {
	file := flags.StringP("file", "f", "", "keepalived.conf to check")
	id := configID(flags)
	if err := parse(flags, args); err != nil {
		return err
	}
	if *file == "" {
		return usageError{hint("vrrpx check -f FILE", "no file given")}
	}
	cfg, diags := config.Load(*file, *id)
	printDiagnostics(e.stdout, diags)
	if cfg == nil {
		return errSilent
	}
	fmt.Fprintf(e.stdout, "%s: good: %d virtual routers\n", *file, len(cfg.Routers))
	return nil
}

// configID is the flag for what @id in a configuration is compared with: the
// first part of the host's name unless given.
func configID(flags *pflag.FlagSet) *string {
	return flags.String("config-id", shortHostname(), "configuration id: lines with another @id are left out")
}

// printDiagnostics prints each with its position and, below, what to do.
func printDiagnostics(w io.Writer, diags []config.Diagnostic) {
	for _, d := range diags {
		fmt.Fprintln(w, d)
		if d.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", d.Hint)
		}
	}
}

func shortHostname() string {
	name, _ := os.Hostname() // without one no @id holds
	name, _, _ = strings.Cut(name, ".")
	return name
}
