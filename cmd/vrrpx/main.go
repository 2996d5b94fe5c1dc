// Command vrrpx is the VRRP daemon and its tools in one binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/vrrpx/vrrpx/internal/fair"
)

func main() {
	fair.Main() // first: the process may be the daemon's watch
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	e := env{stdout: os.Stdout, stderr: os.Stderr}
	if filepath.Base(os.Args[0]) == "keepalived" {
		os.Exit(asKeepalived(ctx, e, os.Args[1:]))
	}
	os.Exit(run(ctx, e, os.Args[1:]))
}
