package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// unitCapabilities are those that the systemd unit leaves to vrrpx.
func unitCapabilities(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../packaging/systemd/vrrpx.service")
	must(t, err)
	line := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.+)$`).FindSubmatch(b)
	if line == nil {
		t.Fatal("the unit has no CapabilityBoundingSet")
	}
	return strings.Fields(strings.ToLower(strings.ReplaceAll(string(line[1]), "CAP_", "")))
}

// able is what a daemon managed to do.
type able struct {
	log string
	st  *stats.Status // nil: it did not start
	ran bool          // a script as another user
}

func (a able) tracked(name string) (tr stats.Tracked) {
	if a.st == nil {
		return tr
	}
	for _, r := range a.st.Routers {
		for _, tr := range r.Tracked {
			if tr.Name == name {
				return tr
			}
		}
	}
	return tr
}

func (a able) interfaces(xdp string) bool {
	return a.st != nil && len(a.st.Interfaces) == 1 && a.st.Interfaces[0].XDP == xdp
}

func (a able) holdsAll() bool {
	if a.st == nil {
		return false
	}
	for _, r := range a.st.Routers {
		if r.State != "MASTER" || !r.Addresses[0].Present {
			return false
		}
	}
	return len(a.st.Routers) == 2
}

// everything is what vrrpx does with all of the unit's capabilities.
func (a able) everything() bool {
	return a.holdsAll() && a.interfaces("native") && a.st.Pacer.Realtime && a.st.Pacer.Locked && a.ran &&
		!strings.Contains(a.log, "chown") && strings.Contains(a.tracked("script hang").Note, "still ran") && a.st.Routers[0].VMACs[0].Error == ""
}

// withCapabilities starts vrrpx with these alone, as a unit does, and looks
// until it does what is wanted, or for the whole of the time.
func withCapabilities(t *testing.T, caps []string, wanted func(able) bool) able {
	t.Helper()
	h := testnet.ForTest(t, "a").Host("a")
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o777))
	must(t, os.Chmod(filepath.Dir(dir), 0o755)) // that of the test, which nobody has to pass
	mark, conf := filepath.Join(dir, "ran"), filepath.Join(dir, "conf")
	must(t, os.WriteFile(conf, []byte(fmt.Sprintf(`
global_defs {
	script_user nobody
	enable_script_security
	notify_fifo %s/fifo
}
vrrp_script mark {
	script "/usr/bin/touch %s"
	interval 0.2
	weight 1
}
vrrp_script hang {
	script "/usr/bin/sleep 1000"
	interval 0.2
	weight 1
}
vrrp_instance V1 {
	interface eth0
	virtual_router_id 51
	version 3
	advert_int 0.1
	use_vmac
	virtual_ipaddress {
		10.99.0.100/24
	}
	track_script {
		mark
		hang
	}
}
vrrp_instance V2 {
	interface eth0
	virtual_router_id 52
	version 3
	advert_int 0.1
	virtual_ipaddress {
		10.99.0.101/24
	}
}
`, dir, mark)), 0o644))
	var log bytes.Buffer
	cmd := h.Command(context.Background(), "setpriv", "--bounding-set", "-all,+"+strings.Join(caps, ",+"), "--inh-caps", "-all", "--",
		testnet.Binary(t), "run", "-f", conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var a able
	running := true
	testnet.WaitFor(4*time.Second, func() bool {
		select {
		case <-ended:
			running = false
			return true
		default:
		}
		if st, err := askStatus(t, h); err == nil {
			a.st = st
		}
		_, err := os.Stat(mark)
		a.ran = err == nil
		return wanted(a)
	})
	if running {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	} else {
		a.st = nil
	}
	vrrpx(t, h, "cleanup")
	a.log = log.String()
	return a
}

// The unit's capabilities are enough, and without each of them something that
// docs/capabilities.md names does not work.
func TestCapabilities(t *testing.T) {
	testnet.Need(t, "root", "setpriv")
	all := unitCapabilities(t)
	t.Run("all", func(t *testing.T) {
		a := withCapabilities(t, all, able.everything)
		if !a.everything() {
			t.Errorf("with %v: %+v\n%s", all, a.st, a.log)
		}
	})
	fails := map[string]func(able) bool{
		"net_admin": func(a able) bool { return a.st == nil && strings.Contains(a.log, "CAP_NET_ADMIN") },
		"net_raw":   func(a able) bool { return a.st == nil && strings.Contains(a.log, "CAP_NET_RAW") },
		"bpf":       func(a able) bool { return a.interfaces("off") && a.holdsAll() },
		"perfmon":   func(a able) bool { return a.interfaces("off") && a.holdsAll() },
		"ipc_lock":  func(a able) bool { return a.st != nil && !a.st.Pacer.Locked && a.holdsAll() },
		"sys_nice":  func(a able) bool { return a.st != nil && !a.st.Pacer.Realtime && a.holdsAll() },
		"setuid":    func(a able) bool { return !a.ran && strings.Contains(a.tracked("script mark").Note, "not permitted") },
		"setgid":    func(a able) bool { return !a.ran && strings.Contains(a.tracked("script mark").Note, "not permitted") },
		"chown":     func(a able) bool { return a.st != nil && a.holdsAll() },
		// What cannot be killed goes on, and its router never hears of it.
		"kill": func(a able) bool { return a.holdsAll() && a.ran && a.tracked("script hang").State == "unknown" },
	}
	doc, err := os.ReadFile("../../docs/capabilities.md")
	must(t, err)
	for _, c := range all {
		t.Run("without "+c, func(t *testing.T) {
			failed := fails[c]
			if failed == nil {
				t.Fatalf("nothing is known to need %s", c)
			}
			a := withCapabilities(t, slices.DeleteFunc(slices.Clone(all), func(o string) bool { return o == c }), func(a able) bool { return a.st != nil && failed(a) })
			if !failed(a) {
				t.Errorf("what was to fail does not: %+v\n%s", a.st, a.log)
			}
			if said := strings.Contains(a.log, "chown to 65534"); said != (c == "chown") {
				t.Errorf("it says of a FIFO that it cannot be given away: %v", said)
			}
			if !strings.Contains(string(doc), "| CAP_"+strings.ToUpper(c)+" |") {
				t.Errorf("docs/capabilities.md does not have it")
			}
		})
	}
}
