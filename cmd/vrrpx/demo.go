package main

import (
	"context"
	"os"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/demo"
)

func runDemo(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	if err := parse(flags, args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return hint("run it as root: it makes network namespaces of its own, and removes them", "not permitted as user %d", os.Geteuid())
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return demo.Run(ctx, demo.Env{Stdout: e.stdout, Binary: self})
}
