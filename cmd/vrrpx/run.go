package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/daemon"
	"github.com/vrrpx/vrrpx/internal/logring"
	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/loader"
)

// logSize is how much of the log waits for a slow reader.
const logSize = 1 << 20

func runDaemon(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	file := flags.StringP("file", "f", "", "keepalived.conf to run")
	id := configID(flags)
	one := routerFlags(flags)
	xdp := flags.String("xdp", "auto", "where to attach: auto, native, generic or off")
	level := flags.String("log-level", "info", "debug, info, warn or error")
	if err := parse(flags, args); err != nil {
		return err
	}
	mode, err := loader.ParseMode(*xdp)
	if err != nil {
		return usageError{hint("--xdp is auto, native, generic or off", "%w", err)}
	}
	var min slog.Level
	if err := min.UnmarshalText([]byte(*level)); err != nil {
		return usageError{hint("--log-level is debug, info, warn or error", "%w", err)}
	}
	// From here on: a SIGHUP to one that has not begun yet must not end it.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	cfg, err := one.load(e.stderr, *file, *id)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return hint("run it as root: it opens packet sockets, loads BPF and moves addresses", "not permitted as user %d", os.Geteuid())
	}
	opts := daemon.Options{Config: cfg, ConfigFile: *file, XDP: mode, Reload: hup}
	if *file != "" {
		opts.Load = func() (*config.Config, []config.Diagnostic) { return config.Load(*file, *id) }
	}
	if opts.RunDir, err = netns.RunDir(); err != nil {
		return err
	}
	if opts.StateDir, err = netns.StateDir(); err != nil {
		return err
	}
	if opts.PinDir, err = netns.PinDir(); err != nil {
		return err
	}
	// A log reader that has gone must not take the daemon with it: Go ends a
	// process that writes to a broken stderr unless told otherwise.
	signal.Ignore(syscall.SIGPIPE)
	logs := logring.New(e.stderr, logSize)
	opts.Log, opts.LogCounts = slog.New(logs.Handler(min)), logs.Counts
	err = daemon.Run(ctx, opts)
	// A log reader that hangs must not keep a stopped daemon alive.
	_ = logs.Close(200 * time.Millisecond)
	return daemonError(err)
}

// load returns the configuration of the file or of the flags, and prints its
// diagnostics. Anything but a clean one ends here.
func (r *routerOptions) load(stderr io.Writer, file, id string) (*config.Config, error) {
	var cfg *config.Config
	var diags []config.Diagnostic
	switch {
	case file != "" && r.given():
		return nil, usageError{hint("give either", "-f and -i exclude each other")}
	case file != "":
		cfg, diags = config.Load(file, id)
	case r.given():
		cfg, diags = r.config()
	default:
		return nil, usageError{hint("vrrpx run -f FILE, or vrrpx run -i eth0 --vrid 51 --priority 150 --vip 10.0.0.3/24", "nothing to run")}
	}
	printDiagnostics(stderr, diags)
	if cfg == nil {
		return nil, hint("vrrpx check -f FILE shows all of them again", "the configuration has errors")
	}
	return cfg, nil
}
