package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// In a container there may be no BPF file system, and none may be mounted. XDP
// and the deadlines in the kernel need none.
func TestXDPWithoutABPFFileSystem(t *testing.T) {
	testnet.Need(t, "root", "unshare", "setpriv", "ip")
	a := testnet.ForTest(t, "a").Host("a")
	conf := filepath.Join(t.TempDir(), "keepalived.conf")
	must(t, os.WriteFile(conf, []byte(v3.conf(150)), 0o644))
	cmd := a.Command(context.Background(), "unshare", "-m", "sh", "-c",
		`mount -t sysfs sysfs /sys && exec setpriv --bounding-set -sys_admin "$@"`,
		"sh", testnet.Binary(t), "run", "--xdp=native", "-f", conf)
	var log strings.Builder
	cmd.Stderr = &log
	must(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // killed
			vrrpx(t, a, "cleanup")
		}
	})
	awaitState(t, a, "MASTER")
	s := status(t, a)
	if s.PinDir != "" || len(s.Interfaces) != 1 || s.Interfaces[0].XDP != "native" {
		t.Errorf("pins in %q, interfaces %+v", s.PinDir, s.Interfaces)
	}
	must(t, cmd.Process.Signal(unix.SIGTERM))
	if err := cmd.Wait(); err != nil || a.HasAddr(vip) {
		t.Errorf("ended with %v, address still there: %v", err, a.HasAddr(vip))
	}
	if !strings.Contains(log.String(), "not pinned") || !strings.Contains(log.String(), "/sys/fs/bpf") {
		t.Errorf("the log says nothing of the missing pins:\n%s", log.String())
	}
}
