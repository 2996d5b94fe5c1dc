package auth

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/vrrp"
)

// hmacGuard is auth_hmac. Its checks come in keepalived's order: what costs a
// hash comes after what does not, and no mark moves before the hash is right.
type hmacGuard struct {
	cfg      config.HMAC
	keys     map[uint8]*vrrp.Key
	marks    marks
	sequence *sequence
	trouble  atomic.Pointer[string] // why the numbers cannot be kept; nil

	unsigned, skewed Remark
}

func newHMACGuard(cfg config.HMAC, span int) *hmacGuard {
	g := &hmacGuard{cfg: cfg, keys: map[uint8]*vrrp.Key{}}
	for _, k := range cfg.Keys {
		g.keys[k.ID] = vrrp.NewKey(k.ID, []byte(k.Secret.Reveal()))
	}
	g.marks.window = int32(cfg.Window / time.Second)
	g.marks.span = span
	g.sequence = &sequence{wall: wallNow, window: g.marks.window}
	g.unsigned = Remark(fmt.Sprintf("is believed without a signature (auth_hmac mode %v)", cfg.Mode))
	g.skewed = Remark(fmt.Sprintf("has a clock that differs from ours by more than half of time_window (%v): beyond that its adverts are refused", cfg.Window))
	return g
}

func (g *hmacGuard) Check(a Advert, wall WallTime) (vrrp.Drop, Remark) {
	t, d := vrrp.TrailerOf(a.Message, a.Family)
	if d == vrrp.DropAuthMissing && g.cfg.Mode != config.Enforce {
		return vrrp.Accepted, g.unsigned
	}
	if d != vrrp.Accepted {
		return d, ""
	}
	skew := secondsBetween(wall.sequence(), t.Seq)
	if w := g.marks.window; w > 0 && (skew > w || skew < -w) {
		return vrrp.DropAuthStale, ""
	}
	key := g.keys[t.KeyID]
	if key == nil {
		return vrrp.DropAuthKey, ""
	}
	var src [16]byte
	if !key.Verify(a.Message, a.Family, appendAddr(src[:0], a.Source)) {
		return vrrp.DropAuthInvalid, ""
	}
	if !g.marks.raise(signer{a.sender(), t.KeyID}, t.Seq, wall) {
		return vrrp.DropAuthReplay, ""
	}
	if w := g.marks.window; w > 0 && (skew > w/2 || skew < -w/2) {
		return vrrp.Accepted, g.skewed
	}
	return vrrp.Accepted, ""
}

func (g *hmacGuard) signs() bool { return g.cfg.Mode != config.ReceiveOnly }

func (g *hmacGuard) Wrap(msg []byte) []byte {
	if !g.signs() {
		return msg
	}
	return append(msg, make([]byte, vrrp.TrailerLen)...)
}

func (g *hmacGuard) Sealer() func([]byte) {
	if !g.signs() {
		return nil
	}
	for _, k := range g.cfg.Keys {
		if k.ID == g.cfg.Active {
			key := vrrp.NewKey(k.ID, []byte(k.Secret.Reveal()))
			return func(frame []byte) { key.Sign(packetOf(frame), g.sequence.next()) }
		}
	}
	return nil // config has seen to it that there is one
}

func (g *hmacGuard) Proto() uint8 { return vrrp.Protocol }

func (g *hmacGuard) Trouble() string {
	if why := g.trouble.Load(); why != nil {
		return *why
	}
	return ""
}

func (g *hmacGuard) String() string {
	replay := "sequence numbers grow"
	if !g.cfg.Monotonic {
		replay = fmt.Sprintf("clocks within %v", g.cfg.Window)
	}
	signs := fmt.Sprintf("signs with key %d", g.cfg.Active)
	if !g.signs() {
		signs = "signs nothing"
	}
	return fmt.Sprintf("auth_hmac %v, %s, verifies with %d keys, %s", g.cfg.Mode, signs, len(g.keys), replay)
}
