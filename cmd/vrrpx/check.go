package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
)

// runCheck prints all diagnostics and fails when one is an error.
func runCheck(_ context.Context, e env, flags *pflag.FlagSet, args []string) error {
	file := flags.StringP("file", "f", "", "the `FILE` to check, a keepalived.conf")
	id := configID(flags)
	peer := flags.String("peer", "", "the other host's `FILE`: check that the two fit, and that weights move the addresses")
	peerID := flags.String("peer-id", "", "configuration id of the other host, if its file has lines with @id")
	where := flags.String("host", "auto", "look whether this host has the interfaces, subnets and scripts: on, off, or auto: if it has one of the interfaces")
	oneOf(flags, "host", "auto", "on", "off")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *file == "" {
		return usageError{hint("vrrpx check -f FILE", "no file given")}
	}
	if *where != "auto" && *where != "on" && *where != "off" {
		return usageError{hint("--host is auto, on or off", "--host=%s", *where)}
	}
	if *peer == "" && *peerID != "" {
		return usageError{hint("name the other host's file with --peer; it may be the same as that of -f", "--peer-id without --peer")}
	}
	var cfg *config.Config
	var diags []config.Diagnostic
	if *peer == "" {
		cfg, diags = config.Load(*file, *id)
	} else {
		cfg, diags = config.LoadPair(*file, *id, *peer, *peerID)
	}
	printDiagnostics(e.stdout, diags)
	if cfg == nil {
		return errSilent
	}
	if *where == "on" || *where == "auto" && preflight.HasInterfaceOf(cfg) {
		found, err := preflight.CheckHost(cfg)
		if err != nil {
			return hint("--host=off leaves the host out", "cannot look at this host: %w", err)
		}
		printDiagnostics(e.stdout, found)
	}
	routers := "virtual routers"
	if len(cfg.Routers) == 1 {
		routers = "virtual router"
	}
	fmt.Fprintf(e.stdout, "%s: good: %d %s\n", *file, len(cfg.Routers), routers)
	return nil
}

// configID is the flag for what @id in a configuration is compared with: the
// first part of the host's name unless given.
func configID(flags *pflag.FlagSet) *string {
	id := flags.String("config-id", shortHostname(), "configuration id: lines with another @id are left out; the host's name up to the first dot unless given")
	flags.Lookup("config-id").DefValue = "" // the help is the same on every host
	return id
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
