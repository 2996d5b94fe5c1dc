package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/control"
)

// runRecord writes what the daemon's flight recorder has into a file.
func runRecord(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	since := flags.Duration("since", 0, "only what happened in this time, such as 10m; without it all that is kept")
	router := flags.StringP("router", "r", "", "only this router; without it all")
	output := flags.StringP("output", "o", "", "the pcapng `FILE` to write; - is standard output")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case *output == "":
		return usageError{hint("vrrpx record --since 10m -o f.pcapng", "no file to write: -o is missing")}
	case *since < 0:
		return usageError{hint("vrrpx record --since 10m -o f.pcapng", "--since %v is negative", *since)}
	}
	ctx, cancel := context.WithTimeout(ctx, 70*time.Second)
	defer cancel()
	var b []byte
	err := askDaemon(func(c *control.Client) (err error) { b, err = c.Record(ctx, *since, *router); return err })
	if errors.Is(err, control.ErrNoRouter) {
		return hint("`vrrpx status` lists the routers", "%w", err)
	}
	if err != nil {
		return err
	}
	if *output == "-" {
		_, err := e.stdout.Write(b)
		return err
	}
	if err := os.WriteFile(*output, b, 0o600); err != nil {
		return hint("-o FILE, in a directory that you may write to; -o - is standard output", "%w", err)
	}
	fmt.Fprintf(e.stdout, "wrote %s, %d octets: for Wireshark, and for tools/replay\n", *output, len(b))
	return nil
}
