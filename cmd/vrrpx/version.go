package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/loader"
)

// runVersion prints version and commit, the tag of the BPF object, and what built
// it for what.
func runVersion(_ context.Context, e env, flags *pflag.FlagSet, args []string) error {
	if err := parse(flags, args); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "vrrpx %s (BPF %s, %s, %s/%s)\n", version.String(), loader.Tag(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
