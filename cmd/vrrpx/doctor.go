package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/control"
	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/rundir"
	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/stats"
)

// runDoctor looks at the host, and fails when it finds what keeps routers from
// working.
func runDoctor(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	file := flags.StringP("file", "f", "", "the configuration `FILE` to look at the host for; without it that of the running vrrpx")
	id := configID(flags)
	asJSON := flags.Bool("json", false, "print the results as JSON")
	listen := flags.Duration("listen", 0, "how long adverts are listened for, before addresses are asked for by ARP; 0s for neither (default three of the longest advert_int, 3s to 10s)")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *listen < 0 || *listen > time.Hour {
		return usageError{hint("--listen=5s", "--listen=%v: expected 0s to 1h", *listen)}
	}
	host := &doctor.System{Daemon: daemonStatus}
	if !flags.Changed("config-id") {
		*id = ""
	}
	q, results := question(ctx, host, *file, *id)
	if q.Listen = *listen; !flags.Changed("listen") {
		q.Listen = listenFor(q.Routers)
	}
	results = append(results, doctor.Run(ctx, host, q)...)
	if err := ctx.Err(); err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(e.stdout)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		err := enc.Encode(struct {
			Version string          `json:"version"`
			Worst   doctor.Verdict  `json:"worst"`
			Results []doctor.Result `json:"results"`
		}{version.String(), doctor.Worst(results), results})
		if err != nil {
			return err
		}
	} else {
		doctor.Write(e.stdout, results)
	}
	if doctor.Worst(results) == doctor.Bad {
		return errSilent
	}
	return nil
}

// question is what the host is looked at for: a file, or what runs. Without an id it
// is that of what runs, if it is of that file, or the host's name.
func question(ctx context.Context, host *doctor.System, file, id string) (q doctor.Question, results []doctor.Result) {
	st, _ := host.Status(ctx) // of an error the check of the daemon tells
	if file == "" && st != nil {
		file = st.ConfigFile
	}
	if abs, err := filepath.Abs(file); id == "" && st != nil && err == nil && abs == st.ConfigFile {
		id = st.ConfigID
	}
	if id == "" {
		id = shortHostname()
	}
	if file == "" {
		if st != nil {
			q.Routers, q.Guessed = doctor.FromStatus(st), true
		}
		return q, nil
	}
	cfg, diags := config.Load(file, id)
	if cfg != nil && preflight.HasInterfaceOf(cfg) {
		if found, err := preflight.CheckHost(cfg); err == nil {
			diags = append(diags, found...)
		}
	}
	results = append(results, doctor.Configuration(file, cfg, diags))
	switch {
	case cfg != nil:
		q.Routers, q.Scripts = cfg.Routers, runsPrograms(cfg)
	case st != nil:
		q.Routers, q.Guessed = doctor.FromStatus(st), true
	}
	return q, results
}

// runsPrograms tells whether the daemon starts any.
func runsPrograms(cfg *config.Config) bool {
	some := len(cfg.Scripts) > 0
	for i := range cfg.Routers {
		n := &cfg.Routers[i].Notify
		for _, c := range []config.Command{n.Master, n.Backup, n.Fault, n.Stop, n.Any, n.MasterHearsLower, n.Alarm} {
			some = some || len(c.Argv) > 0
		}
	}
	return some
}

// listenFor is long enough to hear a master of each router.
func listenFor(routers []config.Router) time.Duration {
	d := 3 * time.Second
	for _, r := range routers {
		d = max(d, 3*r.AdvertInterval)
	}
	return min(d, 10*time.Second)
}

// daemonStatus is that of the daemon of this network namespace; nil for none.
func daemonStatus(ctx context.Context) (*stats.Status, error) {
	dir, err := netns.RunDir()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := control.NewClient(filepath.Join(dir, rundir.Socket)).Status(ctx)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return st, nil
}
