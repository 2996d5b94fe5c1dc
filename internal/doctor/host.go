package doctor

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// Host is all that the checks see of the host. An error says that something could
// not be looked at; what is not there is fs.ErrNotExist, a program exec.ErrNotFound.
type Host interface {
	ReadFile(path string) ([]byte, error)
	Readlink(path string) (string, error)
	Glob(pattern string) []string
	// Run returns what a program prints.
	Run(ctx context.Context, name string, args ...string) ([]byte, error)

	Release() string // of the kernel
	Features() []loader.Feature
	Links() ([]Link, error)
	XDP(Link) (XDP, error)
	// Realtime tries whether a thread can be made a real-time one; nil: it can.
	Realtime() error
	// Synchronised tells whether something keeps the wall clock set.
	Synchronised() (bool, error)

	// Status is that of the running vrrpx; nil without one.
	Status(context.Context) (*stats.Status, error)
	// Listen hears every frame with VRRP that comes in by the interfaces. Where one
	// cannot be heard, or not all the time, failed says why, by name; the others are.
	Listen(context.Context, []Ear, time.Duration) (heard []Frame, failed map[string]error)
	// Probe asks who holds addresses (RFC 5227), and returns who answers; failed as of
	// Listen.
	Probe(context.Context, []Probe) (answers []Answer, failed map[string]error)
}

// Link is a network interface.
type Link struct {
	Index      int
	Name       string
	Kind       string // bridge, vlan, bond, macvlan, veth and so on; empty for hardware
	MAC        [6]byte
	MTU        int
	Up         bool // as set
	Carrier    bool
	Multicast  bool
	NoARP      bool
	Master     int    // index of the bridge, bond or VRF that it is a part of; 0 for none
	MasterKind string // bridge, bond, vrf and so on
	Lower      int    // index of the interface of a VLAN or macvlan; 0 for none, or elsewhere
	Addresses  []Address
	Bridge     *Bridge // of a bridge
	Port       *Port   // of a port of a bridge
}

// Address is one of a Link.
type Address struct {
	netip.Prefix
	Tentative, Duplicate bool // by duplicate address detection
}

// Bridge is how a bridge treats multicast.
type Bridge struct {
	Snooping      bool
	Querier       bool // it asks for members itself
	Heard, Heard6 bool // somebody asks for them, over IPv4 and IPv6
}

// Port is how a bridge treats a port.
type Port struct{ NoMulticastFlood bool }

// XDP is what an interface can do, and what is there.
type XDP struct {
	Driver        string               // empty: not known
	Known, Native bool                 // Known: the kernel can be asked (6.3)
	Why           string               // it cannot
	Program       *loader.ForeignError // which is attached, ours too; nil for none
}

// Ear is an interface to be listened at, as a member of groups.
type Ear struct {
	Link   Link
	Groups []netip.Addr
}

// Frame is one that was heard.
type Frame struct {
	On    string // the interface
	At    vrrp.Instant
	Bytes []byte
}

// Probe is an address to be asked for.
type Probe struct {
	Link Link
	Addr netip.Addr
}

// Answer is a claim of an address by another host.
type Answer struct {
	On   string
	Addr netip.Addr
	MAC  [6]byte
}

func macText(mac [6]byte) string { return net.HardwareAddr(mac[:]).String() }
