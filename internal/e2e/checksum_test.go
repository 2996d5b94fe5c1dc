package e2e

import (
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// v3_checksum_as_v2 sends the form of RFC 9568 and changes nothing else: both
// forms are heard, and remembered by sender, and a wrong one is dropped.
//
//vrrp:row 10 17
func TestPlainChecksumIsSentAndWrongOnesAreDropped(t *testing.T) {
	for _, mode := range []string{"native", "off"} {
		t.Run(mode, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "low")
			a, b, low := l.Host("a"), l.Host("b"), l.Host("low")
			d := start(t, a, mode, v3.conf(150, "v3_checksum_as_v2"))
			awaitState(t, a, "MASTER")
			start(t, b, mode, v3.conf(100)) // the pseudo-header is the default
			awaitSpeaker(t, b, a, "plain")

			check := unmoved(t, a)
			for _, fault := range []byte{0x55, 1} {
				wrong := v3.message(255)
				wrong[6] ^= fault
				flood(t, low, [][]byte{low.GroupFrame(low.Addr, 255, protoVRRP, wrong)}, 50, time.Second/2)
			}
			check()
			if n := dropped(status(t, a), "checksum"); n < 20 {
				t.Errorf("%d adverts dropped for their checksum", n)
			}

			must(t, d.Stop())
			d.Conf = v3.conf(150)
			must(t, d.Start())
			awaitSpeaker(t, b, a, "pseudo-header")
			if s := router(t, b).Speakers[0]; s.ChecksumChanges != 1 {
				t.Errorf("speaker %+v, want one change", s)
			}
		})
	}
}

// awaitSpeaker waits until a host remembers another with that form.
func awaitSpeaker(t *testing.T, h, from *testnet.Host, checksum string) {
	t.Helper()
	awaitRouter(t, h, "to hear "+from.Name+" with checksum "+checksum, func(r stats.Router) bool {
		return len(r.Speakers) == 1 && r.Speakers[0].Address == from.Addr.String() && r.Speakers[0].Checksum == checksum &&
			r.Speakers[0].Heard < stats.Seconds(time.Second)
	})
}
