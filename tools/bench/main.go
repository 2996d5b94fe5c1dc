// Command bench measures vrrpx beside keepalived: on the same hosts, in the
// same run, in turn. docs/bench.md says what is measured and how.
//
// Hosts are network namespaces, which it makes and removes, also when it is
// interrupted. It writes raw data as CSV, a summary as Markdown and plots as
// PNG. A target that is missed is a "no" in the summary; the exit status is 1
// only when something could not be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/tools/bench/load"
)

func main() {
	load.Main()
	if done, err := child(os.Args[1:]); done {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx)
	stop()
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child does what this program starts itself for.
func child(args []string) (bool, error) {
	if len(args) == 3 && args[0] == syslogWord {
		return true, syslogd(args[1], args[2])
	}
	return false, nil
}

func run(ctx context.Context) error {
	vrrpxProgram := flag.String("vrrpx", "vrrpx", "the vrrpx `program`")
	keepalivedProgram := flag.String("keepalived", "keepalived", "the keepalived `program`")
	out := flag.String("out", "docs/bench", "`directory` for the results")
	quick := flag.Bool("quick", false, "few repetitions: all scenarios in less than 10 minutes")
	names := flag.String("scenario", "", "only these, parted by commas: "+strings.Join(scenarioNames(), ", "))
	only := flag.String("contestants", "", "only these, parted by commas; an unknown one shows them all")
	rungs := flag.String("rungs", "", "of the ladder only these, parted by commas: "+strings.Join(stressNames(), ", "))
	soak := flag.Duration("soak", 0, "length of the soak (default 30m, quick 15s)")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if os.Geteuid() != 0 {
		return errors.New("needs root: it makes network namespaces of its own, and removes them")
	}
	picked, err := pick(*names)
	if err != nil {
		return err
	}
	// Absolute: it is started in other directories too.
	vrrpxPath, err := exec.LookPath(*vrrpxProgram)
	if err == nil {
		vrrpxPath, err = filepath.Abs(vrrpxPath)
	}
	if err != nil {
		return err
	}
	env := &Env{Quick: *quick, Soak: *soak}
	if env.contestants, err = contestants(vrrpxPath, *keepalivedProgram); err != nil {
		return err
	}
	if err := env.name(*only); err != nil {
		return err
	}
	if err := env.pickRungs(*rungs); err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	if err := env.removeLeft(); err != nil {
		return err
	}
	m := describe(vrrpxPath, *keepalivedProgram, *quick)
	var failed error
	for _, s := range picked {
		env.scenario = s.Name()
		before := m.now()
		start := time.Now()
		report, err := s.Run(ctx, env)
		if ctx.Err() != nil {
			return errors.Join(failed, fmt.Errorf("%s: %w", s.Name(), context.Cause(ctx)))
		}
		if err == nil {
			err = save(*out, s.Name(), before, report)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.Name(), err))
			env.Progress("FAILED: %v", err)
			if err := markStale(*out, s.Name()); err != nil {
				return errors.Join(failed, err)
			}
			continue
		}
		env.Progress("measured in %v", time.Since(start).Round(time.Second))
		if _, err := summarise(*out); err != nil {
			return errors.Join(failed, err)
		}
	}
	figures, err := summarise(*out)
	fmt.Print(targetTable(figures).Markdown())
	return errors.Join(failed, err)
}
