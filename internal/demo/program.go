package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/vrrpx/vrrpx/internal/netns"
	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// program is the daemon that is shown: vrrpx, or in a test one that does not
// do as well.
type program interface {
	// daemon prepares one on the host; Dir and Conf are the caller's.
	daemon(*testnet.Host) *testnet.Daemon
	// decided tells by the daemon's own record when it last became MASTER. For
	// one that keeps no record, advert is when its first was on the wire.
	decided(ctx context.Context, h *testnet.Host, advert vrrp.Instant) (vrrp.Instant, error)
	// cleanup removes what a killed daemon left on the host.
	cleanup(context.Context, *testnet.Host) error
}

type vrrpx struct{ binary string }

func (v vrrpx) daemon(h *testnet.Host) *testnet.Daemon {
	return &testnet.Daemon{Host: h, Kind: testnet.VRRPX, Binary: v.binary}
}

func (v vrrpx) decided(ctx context.Context, h *testnet.Host, _ vrrp.Instant) (vrrp.Instant, error) {
	out, err := h.Command(ctx, v.binary, "status", "--json").Output()
	if err != nil {
		return 0, fmt.Errorf("vrrpx status on %s: %w", h.Name, err)
	}
	var st stats.Status
	if err := json.Unmarshal(out, &st); err != nil {
		return 0, fmt.Errorf("vrrpx status on %s: %w", h.Name, err)
	}
	for _, r := range st.Routers {
		for i := len(r.History) - 1; i >= 0; i-- {
			if t := r.History[i]; t.To == vrrp.Master.String() {
				return testnet.FromTime(t.At), nil
			}
		}
	}
	return 0, fmt.Errorf("vrrpx on %s has no record of becoming MASTER", h.Name)
}

func (v vrrpx) cleanup(ctx context.Context, h *testnet.Host) error {
	if out, err := h.Command(ctx, v.binary, "cleanup").CombinedOutput(); err != nil {
		return fmt.Errorf("vrrpx cleanup on %s: %w: %s", h.Name, err, out)
	}
	return h.Do(func() error {
		for _, place := range []func() (string, error){netns.RunDir, netns.PinDir} {
			dir, err := place()
			if err != nil {
				return err
			}
			if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("vrrpx cleanup on %s left %s", h.Name, dir)
			}
		}
		return nil
	})
}
