package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// What was captured of a dead master is believed no more: not by its
// successor, and not by one that was restarted, by a stop or a kill. AH begins
// anew with each start, as in keepalived, and is left out there.
//
//vrrp:row 67
func TestReplayedCaptureIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		protocol
		restart bool
	}{
		"AH":        {v2ah, false},
		"time":      {signed, false},
		"monotonic": {v3.with(hmac(oneKey, "active_key 1", "anti_replay monotonic")), true},
	} {
		t.Run(name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "x")
			a, b, x := l.Host("a"), l.Host("b"), l.Host("x")
			tap := l.TapForTest(t)
			for _, h := range []*testnet.Host{a, b} {
				dir := runDir(t, h) // where the numbers stay, on purpose
				t.Cleanup(func() { os.RemoveAll(dir) })
			}
			da := start(t, a, "native", c.conf(150))
			awaitState(t, a, "MASTER")
			db := start(t, b, "native", c.conf(100))
			awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
			await(t, "a capture", func() bool { return len(advertsOf(tap, a)) >= 8 })
			if c.restart {
				must(t, db.Stop())
				must(t, db.Start())
				awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
			}
			da.Kill9()
			must(t, l.Cut("a"))
			awaitState(t, b, "MASTER")
			var capture [][]byte
			for _, f := range advertsOf(tap, a) {
				capture = append(capture, slices.Clone(f.Bytes))
			}

			check := unmoved(t, b)
			sent := flood(t, x, capture, 200, time.Second)
			check()
			if d := authDrops(router(t, b)); d["auth_replay"] < total(sent) || len(d) != 1 {
				t.Errorf("of %d replays %v were dropped", total(sent), d)
			}
			if !c.restart {
				return
			}
			// Before the stop all numbers are written; a kill may lose those of
			// the last seconds, and these are older.
			must(t, db.Stop())
			must(t, db.Start())
			awaitRouter(t, b, "to start", func(r stats.Router) bool { return r.State == "BACKUP" || r.State == "MASTER" })
			flood(t, x, capture, 200, time.Second)
			awaitState(t, b, "MASTER") // no replay has put it off
			if d := authDrops(router(t, b)); d["auth_replay"] == 0 || len(d) != 1 {
				t.Errorf("after a restart %v were dropped", d)
			}
			if !exists(filepath.Join(runDir(t, b), "auth.json")) {
				t.Error("the numbers are kept nowhere")
			}
		})
	}
}

func total(sent []uint64) (n uint64) {
	for _, s := range sent {
		n += s
	}
	return n
}

// A forger who shows the master's own address, MAC and priority makes nobody
// deaf: each of his adverts is verified, and so is each of the master's.
func TestForgedFloodHidesNoMaster(t *testing.T) {
	for _, c := range []struct {
		name string
		protocol
		mode string
	}{
		{"auth_hmac, native XDP", signed, "native"},
		{"auth_hmac, generic XDP", signed, "generic"},
		{"auth_hmac, no XDP", signed, "off"},
		{"auth_hmac over IPv6", signs6, "native"},
		{"AH", v2ah, "native"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "x")
			a, b, x := l.Host("a"), l.Host("b"), l.Host("x")
			tap := l.TapForTest(t)
			start(t, a, c.mode, c.conf(150))
			awaitState(t, a, "MASTER")
			await(t, "an advert", func() bool { return len(advertsOf(tap, a)) > 0 })
			start(t, b, c.mode, c.conf(100))
			awaitRouter(t, b, "to follow a", func(r stats.Router) bool { return r.State == "BACKUP" && r.Master != nil })
			genuine := advertsOf(tap, a)[0].Bytes
			tap.Close() // not to keep the flood
			check := unmoved(t, a, b)
			before := router(t, b)
			sent := flood(t, x, [][]byte{forge(genuine, c.protocol)}, 20_000, 4*c.interval+4*time.Second)
			check()
			after := router(t, b)
			dropped := after.Drops["auth_invalid"] - before.Drops["auth_invalid"]
			lost := after.Drops["overflow"] + after.Drops["ring_full"]
			heard := after.Received - before.Received - dropped - lost
			t.Logf("sent %d, refused %d, not looked at %d, genuine %d, master heard %v ago", sent[0], dropped, lost, heard, after.Master.Heard)
			if dropped < sent[0]*9/10 {
				t.Errorf("%d of %d forged adverts are counted as such", dropped, sent[0])
			}
			if time.Duration(after.Master.Heard) > 2*c.interval+slack {
				t.Errorf("the master was last heard %v ago", after.Master.Heard)
			}
		})
	}
}

// forge is an advert like a genuine one, from the same source, of which only
// the proof is wrong; it passes all that the kernel program looks at.
func forge(frame []byte, p protocol) []byte {
	f := slices.Clone(frame)
	switch {
	case p.version == 2:
		f[14+20+12] ^= 1 // the ICV
	case p.six:
		// Two octets of the HMAC swapped leave the checksum as it is.
		for i := len(f) - 16; ; i++ {
			if f[i] != f[i+2] {
				f[i], f[i+2] = f[i+2], f[i]
				break
			}
		}
	default:
		f[len(f)-1] ^= 1 // the HMAC, which is not summed
	}
	return f
}
