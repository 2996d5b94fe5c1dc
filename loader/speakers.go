package loader

import (
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/vrrpx/vrrpx/vrrp"
)

// SpeakerMessage is how many octets of a speaker's last message are kept.
const SpeakerMessage = int(unsafe.Sizeof(vrrpxSpeaker{}.Message))

// Noted is a sender of VRRP or CARP that the kernel has noted, whether or not there
// is a router for its VRID. Elided adverts are not noted.
type Noted struct {
	Key         Key
	Kind        uint8 // first octet of the message: version and type
	Src         netip.Addr
	First, Last vrrp.Instant
	Frames      uint64
	MAC         [6]byte
	TTL         uint8 // or hop limit
	Drop        vrrp.Drop
	Length      int // octets of the message
	Message     [SpeakerMessage]byte
}

// speakersAtOnce is how many are read by one system call.
const speakersAtOnce = 512

// Speakers gives f each speaker, in no order, and forgets those that were last heard
// before an instant. Any goroutine may call it. It takes about 1 ms for a full map.
func (k *Kernel) Speakers(forget vrrp.Instant, f func(*Noted)) error {
	keys, values := make([]vrrpxSpeakerKey, speakersAtOnce), make([]vrrpxSpeaker, speakersAtOnce)
	var cursor ebpf.MapBatchCursor
	var old []vrrpxSpeakerKey
	for {
		n, err := k.speakers.BatchLookup(&cursor, keys, values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("speakers: %w", err)
		}
		for i := range n {
			key, v := &keys[i], &values[i]
			switch {
			case v.Frames == 0: // it is being made
			case vrrp.Instant(v.LastNs) < forget:
				old = append(old, *key)
			default:
				f(notedOf(key, v))
			}
		}
		if err != nil {
			break // that was the end
		}
	}
	for i := range old {
		if err := k.speakers.Delete(&old[i]); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("forget a speaker: %w", err)
		}
	}
	return nil
}

func notedOf(key *vrrpxSpeakerKey, v *vrrpxSpeaker) *Noted {
	n := &Noted{
		Key: Key{key.Ifindex, key.Vrid, vrrp.Family(key.Family)}, Kind: key.Kind,
		First: vrrp.Instant(v.FirstNs), Last: vrrp.Instant(v.LastNs), Frames: v.Frames,
		MAC: v.Mac, TTL: v.Ttl, Drop: vrrp.Drop(v.Drop), Length: int(v.Length), Message: v.Message,
	}
	if n.Key.Family == vrrp.IPv6 {
		n.Src = netip.AddrFrom16(key.Src)
	} else {
		n.Src = netip.AddrFrom4([4]byte(key.Src[:4]))
	}
	return n
}
