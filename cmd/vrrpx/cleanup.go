package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/loader"
)

// runCleanup removes what a killed daemon of this network namespace left, and
// says what that was.
func runCleanup(_ context.Context, e env, flags *pflag.FlagSet, args []string) error {
	if err := parse(flags, args); err != nil {
		return err
	}
	runDir, err := netns.RunDir()
	if err != nil {
		return err
	}
	pinDir, err := netns.PinDir()
	if err != nil {
		return err
	}
	removed, err := rundir.Cleanup(runDir, pinDir)
	for _, what := range removed {
		fmt.Fprintln(e.stdout, "removed", what)
	}
	if err != nil {
		return daemonError(err)
	}
	if len(removed) == 0 {
		fmt.Fprintln(e.stdout, "nothing was left behind")
	}
	return nil
}

// daemonError adds what to do about an error of the daemon's.
func daemonError(err error) error {
	var running *rundir.RunningError
	var inUse *loader.InUseError
	var missing *preflight.NoInterfaceError
	var program *preflight.ProgramError
	var kernel *preflight.KernelPacerError
	var metrics *preflight.MetricsError
	switch {
	case errors.As(err, &metrics):
		return hint(metrics.Hint, "%v: %w", metrics.Pos, err)
	case errors.As(err, &program):
		return hint(program.Hint, "%w", err)
	case errors.As(err, &kernel):
		return hint("vrrpx_pacer auto takes the kernel where it can", "%v: %w", kernel.Pos, err)
	case errors.As(err, &running):
		return hint("stop it first: kill "+fmt.Sprint(running.PID), "%w", err)
	case errors.As(err, &inUse):
		return hint("it runs in another container, with a /run of its own: stop it, and clean up there", "%w", err)
	case errors.As(err, &missing):
		return hint("`ip link` lists the interfaces of this network namespace", "%w", err)
	}
	return err
}
