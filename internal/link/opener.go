package link

import (
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Opener opens links. It is the process's, for any goroutine, and does not change
// once it is in use.
type Opener struct {
	Kernel   *loader.Kernel // nil without BPF
	NoKernel string         // why not
	Mode     loader.Mode    // that is demanded
	Log      *slog.Logger
	// Without XDP a socket hears who else holds an address: of those that are
	// Watched, each Claim with the interface. Both are called on its goroutine.
	Watched func(netip.Addr) bool
	Claim   func(at vrrp.Instant, ifindex uint32, f netio.HeldFrame)
}

// Open makes an interface ready for what it is needed for. It may block, and is
// never for the loop.
func (o *Opener) Open(dev vip.Link, n Needs) (*Link, error) {
	mode := o.Mode
	if o.Kernel == nil {
		if mode == loader.Native || mode == loader.Generic {
			return nil, fmt.Errorf("--xdp=%v: %s", mode, o.NoKernel)
		}
		mode = loader.Off
	}
	if len(n.Groups) == 0 {
		l, err := openBeside(dev, n.Door, o.Kernel, mode)
		if err == nil && l.Sender != nil && o.hearNeighbours(l) != nil {
			l.Note += "; who else claims its addresses is not heard" // told by status; they are held all the same
		}
		return l, err
	}
	l, err := open(dev, n.Groups, o.Kernel, mode)
	if err == nil {
		if err = o.hearNeighbours(l); err != nil {
			_ = l.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	if l.Note == "" && l.XDP == loader.Off {
		l.Note = o.NoKernel
	}
	o.Log.Info(fmt.Sprintf("%s: XDP %v", l.Name, l.XDP), "index", l.Index, "reason", l.Note)
	return l, nil
}
