package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
)

// The exit codes of keepalived --config-test, as 2.2.7 has them and not its
// manual. There a file that does not exist is 0.
const (
	testMissing  = 4 // the file cannot be read
	testErrors   = 5
	testInsecure = 6 // programs run as root and enable_script_security is off
)

// configTest judges the file, and what it names on this host: interfaces,
// programs and users. It says everything on stderr, or at the end of a file.
func (k *keepalivedOptions) configTest(e env) int {
	w := e.stderr
	if k.testFile != "" {
		f, err := os.OpenFile(k.testFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW, 0o644)
		if err != nil {
			complain(e.stderr, fmt.Errorf("--config-test: %w", err))
			return testMissing
		}
		defer f.Close()
		w = f
	}
	return k.judge(w)
}

func (k *keepalivedOptions) judge(w io.Writer) int {
	f, err := os.Open(k.file)
	if err != nil {
		complain(w, fmt.Errorf("configuration: %w", err))
		return testMissing
	}
	f.Close()
	cfg, diags := config.Load(k.file, k.id)
	printDiagnostics(w, diags)
	if cfg == nil {
		return testErrors
	}
	if cfg.Global.Namespace == "" && k.namespace == "" { // else the host's interfaces are not meant
		if err := preflight.Missing(cfg); err != nil {
			complain(w, daemonError(err))
			return testErrors
		}
	}
	if program := preflight.RunsAsRoot(cfg); program != "" && !cfg.Global.ScriptSecurity {
		fmt.Fprintf(w, "%s runs as root, and enable_script_security is not set\n", program)
		return testInsecure
	}
	return 0
}
