package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
)

func runDaemon(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	l := launch{syslogName: "vrrpx"}
	flags.StringVarP(&l.file, "file", "f", "", "the `FILE` to run, a keepalived.conf")
	id := configID(flags)
	one := routerFlags(flags)
	xdp := flags.String("xdp", "auto", "where to attach: auto, native, generic or off")
	level := flags.String("log-level", "info", "debug, info, warn or error")
	oneOf(flags, "xdp", "auto", "native", "generic", "off")
	oneOf(flags, "log-level", "debug", "info", "warn", "error")
	flags.StringArrayVar(&l.log, "log", []string{"stderr"}, "a `TARGET` of the log: stderr, syslog, syslog:local0 or a file, from /; may be repeated")
	metrics := flags.String("metrics", "", "the `ADDRESS` at which Prometheus finds the metrics: 127.0.0.1:9652, :9652 or unix:/PATH; wins over vrrpx_metrics")
	flags.StringArrayVar(&l.pidFiles, "pid-file", nil, "a `FILE` for the process id; may be repeated")
	if err := parse(flags, args); err != nil {
		return err
	}
	var err error
	if l.xdp, err = loader.ParseMode(*xdp); err != nil {
		return usageError{hint("--xdp is auto, native, generic or off", "%w", err)}
	}
	if err := l.level.UnmarshalText([]byte(*level)); err != nil {
		return usageError{hint("--log-level is debug, info, warn or error", "%w", err)}
	}
	if *metrics != "" {
		at, err := config.ParseListener(*metrics)
		if err != nil {
			return usageError{hint(config.ListenerHint, "--metrics %q: %w", *metrics, err)}
		}
		at.Pos.File = "--metrics"
		l.adjust = func(cfg *config.Config) { cfg.Global.Metrics = at }
	}
	stop := l.catchHangups()
	defer stop()
	for _, target := range l.log {
		if err := checkTarget(target); err != nil {
			return err
		}
	}
	l.id = *id
	if l.cfg, err = one.load(e.stderr, l.file, l.id); err != nil {
		return err
	}
	if l.adjust != nil {
		l.adjust(l.cfg)
	}
	if err := enterNamespace(l.cfg.Global.Namespace); err != nil {
		return err
	}
	return l.run(ctx, e)
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
