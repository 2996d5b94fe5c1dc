package daemon

import (
	"time"

	"github.com/vrrpx/vrrpx/internal/history"
	"github.com/vrrpx/vrrpx/internal/iproute"
	"github.com/vrrpx/vrrpx/internal/link"
	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/internal/vip"
	"github.com/vrrpx/vrrpx/loader"
)

// outputs is where a router's effects go. None of these blocks: each hands
// over to a goroutine or thread of its own, or writes to a socket that never
// waits.
type outputs struct {
	storm     *storm // the loop's; nil: the router's own
	addresses addresses
	pacer     pacer
	taker     taker // nil without the kernel's clock or its gates
	announcer announcer
	refuser   refuser // nil without BPF
	watcher   watcher // likewise
	watched   *watchedSet
	post      func(func()) bool    // to the loop
	away      func() time.Duration // since the loop renewed the lease; nil: it does not
	renew     func()               // renews it; nil likewise
	news      tell.Out
	changed   func()         // a router has changed its state; may be nil
	history   *history.Store // likewise; in tests
}

// sender sends on one interface.
type sender = link.Sender

// addresses is the desired state of the host's virtual addresses (vip.Manager).
type addresses interface {
	Declare(owner string, addrs []vip.Address, devices ...vip.MACVLAN) error
	Hold(owners ...string)
	Release(owners ...string)
	Forget(owner string)
	DeclareRouting(owner string, routes []iproute.Route, rules []iproute.Rule)
}

// pacer sends the adverts of every MASTER on its schedule (pace.Pacer).
type pacer interface {
	Set(owner string, s netio.Schedule)
	Stop(owner string)
	Overdue(owner string) (silence time.Duration, overdue bool)
	Paused(owner string) (netio.Pause, bool)
	Clock(owner string) (kernel bool, why string)
	Gate(owner string) loader.Gate
}

// announcer sends what follows the first gratuitous ARP (netio.Announcer).
type announcer interface {
	Announce(owner string, b netio.Burst)
	Cancel(owner string)
}
