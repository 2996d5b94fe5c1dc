package link

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/vrrpx/vrrpx/internal/netio"
	"github.com/vrrpx/vrrpx/internal/vip"
)

// Needs is what an interface is wanted for.
type Needs struct {
	Groups []netip.Addr // of the routers that run on it; 0.0.0.0 and :: for unicast peers
	Linked bool         // routers run on it or have addresses there
	Door   bool         // packets to these are refused there
}

// Outfit is what there is of an interface, as the loop saw it.
type Outfit struct {
	Exists bool
	Link   *Link // nil for none
	Groups []netip.Addr
}

// Serves tells whether the outfit has all that is needed, and that it is a link
// of the right kind.
func (o *Opener) Serves(has Outfit, n Needs) bool {
	return !o.unlike(has, n) && len(lacks(has, n)) == 0
}

// unlike: member is nil where no router runs.
func (o *Opener) unlike(has Outfit, n Needs) bool {
	return has.Link == nil || (has.Link.member == nil) != (len(n.Groups) == 0) ||
		has.Link.member == nil && n.Door && o.Kernel != nil && has.Link.kernel == nil
}

func lacks(has Outfit, n Needs) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(n.Groups), func(g netip.Addr) bool { return slices.Contains(has.Groups, g) })
}

// Fitting makes a link fit for other needs. It is made away from the loop, since
// the kernel may take its time to join groups and to attach XDP.
type Fitting struct {
	Old   *Link // whose it is; nil where there was none
	Fresh *Link // in its place; nil: that one stays, with more
	more  Link  // what it lacked: member and raw alone
}

// Fit is nil when the outfit has all that is needed. It may block.
func (o *Opener) Fit(dev vip.Link, has Outfit, n Needs) (*Fitting, error) {
	f := &Fitting{Old: has.Link, more: Link{Name: dev.Name, Index: dev.Index, member: map[netip.Addr]*netio.Membership{}}}
	switch {
	case o.Serves(has, n):
		return nil, nil
	case o.unlike(has, n):
		var err error
		if f.Fresh, err = o.Open(dev, n); err != nil {
			return nil, err
		}
		return f, nil
	}
	if err := f.more.join(lacks(has, n)); err != nil {
		_ = f.more.Close()
		return nil, fmt.Errorf("%s: %w", dev.Name, err)
	}
	return f, nil
}

// Extend gives Old what it lacked, where there is no Fresh. It is for whoever has
// Old, and does not block.
func (f *Fitting) Extend() {
	l := f.Old
	maps.Copy(l.member, f.more.member)
	if f.more.raw != nil && l.raw == nil {
		l.raw, f.more.raw = f.more.raw, nil
	}
	if f.more.raw != nil {
		go func(raw *netio.RawSender) { _ = raw.Close() }(f.more.raw)
	}
}

// Close is for a fitting that is of no use after all. It may wait for the kernel.
func (f *Fitting) Close() {
	_ = f.more.Close()
	if f.Fresh != nil {
		_ = f.Fresh.Close()
	}
}

// Succeed takes from the link before what others still send by.
func (l *Link) Succeed(old *Link) {
	if old.packet != nil && l.packet != nil {
		_ = l.packet.Close()
		l.packet, l.Sender, old.packet = old.packet, old.Sender, nil
	}
}
