package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/version"
	"github.com/vrrpx/vrrpx/loader"
)

const defaultConf = "/etc/keepalived/keepalived.conf"

// keepalivedOptions is keepalived's command line (keepalived(8)).
type keepalivedOptions struct {
	file, id      string
	foreground    bool
	console       bool
	detail        bool
	facility      string
	noSyslog      bool
	logFile       string
	dumpConf      bool
	pid, vrrpPID  string
	namespace     string
	umask         *uint32
	keepAddresses bool
	core          bool
	checkersOnly  bool
	vrrp          bool

	test     bool
	testFile string

	print   func(env) // print something and end: -v, -h, --signum
	without []string  // options given that have no effect here
}

// options are those of keepalived 2.2.7 and, where that has none of the name,
// 2.4. Each is honoured, or accepted without effect because what it asks for is
// so anyway or concerns none of what vrrpx does, or refused.
func (k *keepalivedOptions) options() []option {
	text := func(to *string) func(string) error {
		return func(arg string) error { *to = arg; return nil }
	}
	on := func(to *bool) func(string) error {
		return func(string) error { *to = true; return nil }
	}
	without := func(letter byte, long string, takes takes) option {
		return option{letter, long, takes, func(string) error { k.without = append(k.without, "--"+long); return nil }}
	}
	refused := func(letter byte, long string, takes takes, why string) option {
		return option{letter, long, takes, func(string) error { return hint(why, "--%s is not for vrrpx", long) }}
	}
	return []option{
		{'f', "use-file", anArgument, text(&k.file)},
		{'P', "vrrp", nothing, on(&k.vrrp)},
		{'C', "check", nothing, on(&k.checkersOnly)},
		{'l', "log-console", nothing, on(&k.console)},
		{'D', "log-detail", nothing, on(&k.detail)},
		{'S', "log-facility", anArgument, k.setFacility},
		{'g', "log-file", maybeArgument, func(arg string) error {
			if k.logFile = arg; arg == "" {
				k.logFile = filepath.Join(os.TempDir(), "keepalived.log")
			}
			return nil
		}},
		{'G', "no-syslog", nothing, on(&k.noSyslog)},
		{'u', "umask", anArgument, func(arg string) error {
			mask, ok := config.ParseUmask(arg)
			if !ok {
				return fmt.Errorf("--umask %q: expected 0 to 0777", arg)
			}
			k.umask = &mask
			return nil
		}},
		{'V', "dont-release-vrrp", nothing, on(&k.keepAddresses)},
		{'n', "dont-fork", nothing, on(&k.foreground)},
		{'d', "dump-conf", nothing, on(&k.dumpConf)},
		{'p', "pid", anArgument, text(&k.pid)},
		{'r', "vrrp_pid", anArgument, text(&k.vrrpPID)},
		{'s', "namespace", anArgument, text(&k.namespace)},
		{'m', "core-dump", nothing, on(&k.core)},
		{'M', "core-dump-pattern", maybeArgument, func(string) error {
			k.core, k.without = true, append(k.without, "--core-dump-pattern (/proc/sys/kernel/core_pattern stays as it is)")
			return nil
		}},
		{'i', "config-id", anArgument, text(&k.id)},
		{0, "signum", anArgument, k.signum},
		{'t', "config-test", maybeArgument, func(arg string) error { k.test, k.testFile = true, arg; return nil }},
		{'v', "version", nothing, func(string) error { k.print = printKeepalivedVersion; return nil }},
		{'h', "help", nothing, func(string) error {
			k.print = func(e env) { fmt.Fprint(e.stderr, keepalivedUsage("keepalived", k.options())) }
			return nil
		}},

		without('B', "no_bfd", nothing), without(0, "all", nothing), without('X', "release-vips", nothing),
		without('I', "dont-release-ipvs", nothing), without('R', "dont-respawn", nothing),
		without('c', "checkers_pid", anArgument), without('b', "bfd_pid", anArgument),
		without('a', "address-monitoring", nothing), without('x', "snmp", nothing), without('A', "snmp-agent-socket", anArgument),
		without(0, "flush-log-file", nothing), without(0, "no-mem-check", nothing), without('L', "mem-check-log", nothing),

		refused('T', "genhash", nothing, "genhash is for HTTP_GET of LVS: install keepalived for it"),
		refused('e', "all-config", nothing, "write includea for include: then a missing file is an error"),
		refused(0, "config-fd", anArgument, "it is for keepalived's own children"),
		refused(0, "perf", maybeArgument, "perf record -p PID does the same"),
		refused(0, "debug", maybeArgument, "--log-detail has more lines"),
	}
}

func (k *keepalivedOptions) setFacility(arg string) error {
	if len(arg) == 1 && arg[0] >= '0' && arg[0] <= '7' {
		arg = "local" + arg
	}
	if _, err := parseFacility(arg); err != nil {
		return err
	}
	k.facility = arg
	return nil
}

func (k *keepalivedOptions) signum(name string) error {
	n, ok := signals[name]
	if !ok {
		return fmt.Errorf("unknown sigfunc %s: expected STOP, RELOAD, DATA, STATS, STATS_CLEAR or JSON", name)
	}
	k.print = func(e env) { fmt.Fprintln(e.stdout, int(n)) }
	return nil
}

// keepalivedVersion is the release whose formats and options these are.
// Exporters read it from the first line, to know what they parse.
const keepalivedVersion = "2.2.7"

func printKeepalivedVersion(e env) {
	fmt.Fprintf(e.stderr, "Keepalived v%s (as vrrpx %s is compatible with)\n", keepalivedVersion, version.String())
}

func keepalivedUsage(program string, options []option) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [OPTION...]\n  the options of keepalived(8), of the same meaning\n\n", program)
	for _, o := range options {
		letter, arg := "    ", ""
		if o.letter != 0 {
			letter = "-" + string(o.letter) + ", "
		}
		switch o.takes {
		case anArgument:
			arg = "=ARGUMENT"
		case maybeArgument:
			arg = "[=ARGUMENT]"
		}
		fmt.Fprintf(&b, "  %s--%s%s\n", letter, o.long, arg)
	}
	return b.String()
}

// asKeepalived is the program when it is called keepalived, and returns the
// exit code. keepalived's own code for a command line is 1.
func asKeepalived(ctx context.Context, e env, args []string) int {
	k := keepalivedOptions{file: defaultConf, facility: "daemon", id: shortHostname()}
	rest, err := getopt(k.options(), args)
	if err == nil && len(rest) > 0 && k.print == nil {
		err = fmt.Errorf("unexpected argument %q", rest[0])
	}
	if err == nil && k.checkersOnly && !k.vrrp && k.print == nil {
		err = hint("virtual servers and their checks stay with keepalived: run both, keepalived with --check", "--check alone leaves nothing for vrrpx to run")
	}
	if err != nil {
		complain(e.stderr, err)
		return exitError
	}
	if k.print != nil {
		k.print(e)
		return 0
	}
	for _, path := range []*string{&k.file, &k.pid, &k.vrrpPID, &k.logFile} {
		if abs, err := filepath.Abs(*path); err == nil && *path != "" {
			*path = abs // the daemon is at home in /
		}
	}
	if k.test {
		return k.configTest(e)
	}
	err = k.run(ctx, e)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	complain(e.stderr, err)
	return exitError
}

// runKeepalived is the same as a command of vrrpx.
func runKeepalived(ctx context.Context, e env, _ *pflag.FlagSet, args []string) error {
	if len(args) == 1 && args[0] == "--help" {
		fmt.Fprint(e.stdout, keepalivedUsage("vrrpx keepalived", new(keepalivedOptions).options()))
		return nil
	}
	if code := asKeepalived(ctx, e, args); code != 0 {
		return exitCode(code)
	}
	return nil
}

func (k *keepalivedOptions) run(ctx context.Context, e env) error {
	l := launch{
		file: k.file, id: k.id, xdp: loader.Auto, syslogName: "Keepalived_vrrp",
		keepAddresses: k.keepAddresses, logConfig: k.dumpConf, adjust: k.adjust,
	}
	stop := l.catchHangups()
	defer stop()
	cfg, diags := l.load()
	if cfg == nil {
		printDiagnostics(e.stderr, diags)
		return hint("keepalived --config-test shows all of them again", "the configuration has errors")
	}
	if err := enterNamespace(cfg.Global.Namespace); err != nil {
		return err
	}
	l.cfg, l.pidFiles = cfg, k.pidFiles(&cfg.Global)
	if k.detail {
		l.level = slog.LevelDebug
	}
	if !k.noSyslog {
		l.log = append(l.log, "syslog:"+k.facility)
	}
	if k.logFile != "" {
		l.log = append(l.log, k.logFile)
	}
	if k.console && k.foreground {
		l.log = append(l.log, "stderr")
	} else if k.console {
		k.without = append(k.without, "--log-console (without --dont-fork)")
	}
	if len(k.without) > 0 {
		l.notices = append(l.notices, "options without effect: "+strings.Join(k.without, " "))
	}
	for _, d := range diags {
		l.notices = append(l.notices, d.String())
	}
	// killall and pgrep look for this name, and the program may have another
	// when it was started anew.
	_ = os.WriteFile("/proc/self/comm", []byte("keepalived"), 0)
	if k.core {
		allowCore()
	}
	if k.foreground {
		return l.run(ctx, e)
	}
	return detached(ctx, e, &l)
}

// adjust has the command line win over the file.
func (k *keepalivedOptions) adjust(cfg *config.Config) {
	if k.namespace != "" {
		cfg.Global.Namespace = k.namespace
	}
	if k.umask != nil {
		cfg.Global.Umask = k.umask
	}
}

// pidFiles are where keepalived would have them; it has one for each of its
// processes, of which here is one.
func (k *keepalivedOptions) pidFiles(g *config.Global) []string {
	dir, parent := "/run", "keepalived.pid"
	if g.PIDDir || g.Instance != "" || g.Namespace != "" {
		dir = "/run/keepalived"
	}
	prefix := ""
	for _, part := range []string{g.Namespace, g.Instance} {
		if part != "" {
			prefix += part + "_"
		}
	}
	main, vrrp := k.pid, k.vrrpPID
	if main == "" {
		main = filepath.Join(dir, prefix+parent)
	}
	if vrrp == "" {
		vrrp = filepath.Join(dir, prefix+"vrrp.pid")
	}
	if main == vrrp {
		return []string{main}
	}
	return []string{main, vrrp}
}
