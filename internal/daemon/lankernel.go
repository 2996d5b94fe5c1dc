package daemon

import (
	onlan "github.com/vrrpx/vrrpx/internal/speakers"
	"github.com/vrrpx/vrrpx/loader"
	"github.com/vrrpx/vrrpx/vrrp"
)

// kernelNotes are the speakers that the XDP program has noted.
type kernelNotes struct {
	*loader.Kernel
	err error // of All
}

func (k *kernelNotes) All(now vrrp.Instant, f func(onlan.Key, onlan.Sighting)) {
	k.err = k.Speakers(now.Add(-onlan.Forget), func(n *loader.Noted) {
		s := onlan.Sighting{First: n.First, Last: n.Last, Frames: n.Frames, MAC: n.MAC, TTL: n.TTL, Drop: n.Drop, Length: n.Length, Message: n.Message}
		s.Last = min(s.Last, now) // it may have come since
		s.First = min(s.First, s.Last)
		f(onlan.Key{Ifindex: n.Key.Ifindex, VRID: n.Key.VRID, Family: n.Key.Family, Kind: n.Kind, Src: n.Src}, s)
	})
}

func (k *kernelNotes) NotListed(ifindex uint32) uint64 {
	c, err := k.Interface(int(ifindex))
	if err != nil {
		return 0 // XDP does not hear there
	}
	return c.NotListed
}

var _ = [1]struct{}{}[onlan.Kept-loader.SpeakerMessage] // both keep as much, or this does not compile
