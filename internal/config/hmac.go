package config

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// HMAC is auth_hmac: adverts signed as draft-cassen-vrrp-auth-hmac has it, with
// either version and family.
type HMAC struct {
	Keys      []HMACKey     // in the order of the file; each verifies
	Active    uint8         // the id of the one that signs
	Monotonic bool          // sequence numbers need only grow; else they are times within Window
	Window    time.Duration // 1 to 300 s, whole; 0 with Monotonic
	Mode      HMACMode
}

// HMACKey is one key, 32 to 64 octets, and its id, 1 to 255.
type HMACKey struct {
	ID     uint8
	Secret Secret
}

// HMACMode says what becomes of adverts without a signature.
type HMACMode uint8

// The modes, in the order in which a network passes through them to the first.
const (
	Enforce     HMACMode = iota // sign, and drop what is not signed
	Permissive                  // sign, and take what is not signed
	ReceiveOnly                 // do not sign, and take what is not signed
)

var modeNames = []string{"enforce", "permissive", "receive-only"}

func (m HMACMode) String() string { return modeNames[min(int(m), len(modeNames)-1)] }

// The bounds of keepalived 2.4.
const (
	minKey    = 32
	maxKey    = 64
	minWindow = time.Second
	maxWindow = 300 * time.Second
	lowWindow = 5 * time.Second // least that follows from the advert interval
)

// hmacDraft is the block as far as it has been read.
type hmacDraft struct {
	HMAC
	pos    Pos
	active word
	window word
}

var hmacTable = table{
	"key":        keyword{shape: keyShape, set: (*interpreter).addKey},
	"active_key": text((*interpreter).setActiveKey),
	"anti_replay": choice(func(in *interpreter, i int) { in.cur.hmac.Monotonic = i == 1 },
		"time", "monotonic"),
	"time_window": text(func(in *interpreter, w word) {
		if n, ok := in.wholeNumber(w, int(minWindow/time.Second), int(maxWindow/time.Second), " of seconds"); ok {
			in.cur.hmac.Window, in.cur.hmac.window = time.Duration(n)*time.Second, w
		}
	}),
	"mode": choice(func(in *interpreter, i int) { in.cur.hmac.Mode = HMACMode(i) }, modeNames...),
}

// openHMAC begins an auth_hmac block. A second one adds to the first.
func (in *interpreter) openHMAC(s *statement) {
	if in.cur.hmac == nil {
		in.cur.hmac = &hmacDraft{pos: s.pos()}
	}
	// Several keys are meant; of the others each is there once a block.
	for name := range hmacTable {
		delete(in.cur.seen, name)
	}
}

// addKey reads `key ID VALUE`. The value is shown in no message.
func (in *interpreter) addKey(s *statement) {
	delete(in.cur.seen, "key")
	id, ok := in.wholeNumber(s.words[1], 1, 255, "")
	if !ok {
		return
	}
	if slices.ContainsFunc(in.cur.hmac.Keys, func(k HMACKey) bool { return int(k.ID) == id }) {
		in.diags.errorf(s.words[1].pos, "give each key an id of its own", "(%s) key %d is given twice", plain(in.cur.Name), id)
		return
	}
	secret, err := in.secret(s.words[2])
	hint := ""
	if err == nil && (len(secret) < minKey || len(secret) > maxKey) {
		err = fmt.Errorf("%d bytes: expected %d to %d", len(secret), minKey, maxKey)
		hint = "openssl rand -hex 32 makes one, to be written after hex:"
	}
	if err != nil {
		in.diags.errorf(s.words[2].pos, hint, "(%s) key %d: %v", plain(in.cur.Name), id, err)
		// Else active_key would be called wrong because of this.
		secret = ""
	} else if weak(secret) {
		in.diags.warnf(s.words[2].pos, "openssl rand -hex 32 makes a better one", "(%s) key %d can be guessed: it is an example's, or one byte again and again", plain(in.cur.Name), id)
	}
	in.cur.hmac.Keys = append(in.cur.hmac.Keys, HMACKey{uint8(id), Secret(secret)})
}

// secret reads the value of a key: hex:DIGITS, file:PATH to a file that holds
// either, or the key itself.
func (in *interpreter) secret(w word) (string, error) {
	value := w.text
	if path, ok := strings.CutPrefix(value, "file:"); ok {
		var err error
		if value, err = in.files.key(w.pos, path); err != nil {
			return "", err
		}
	} else if w.cut {
		return "", errors.New("it ends at the comment sign, # or !: write it in quotes")
	}
	digits, ok := strings.CutPrefix(value, "hex:")
	if !ok {
		return value, nil
	}
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "\t", "").Replace(digits))
	if err != nil {
		return "", errors.New("hex: wants pairs of hexadecimal digits") // err would show one
	}
	return string(b), nil
}

// weak tells of a key that is no secret: one byte repeated, or bytes that count
// up by one, as in keepalived's manual.
func weak(secret string) bool {
	for _, step := range []byte{0, 1} {
		same := true
		for i := 1; i < len(secret); i++ {
			same = same && secret[i]-secret[i-1] == step
		}
		if same {
			return true
		}
	}
	return false
}

func (in *interpreter) setActiveKey(w word) {
	if n, ok := in.wholeNumber(w, 1, 255, ""); ok {
		in.cur.hmac.Active, in.cur.hmac.active = uint8(n), w
	}
}

// resolveHMAC makes of the draft what keepalived does, but that what keepalived
// takes for a reason to leave the adverts unsigned is an error.
func (in *interpreter) resolveHMAC(d *draft) {
	h := d.hmac
	if h == nil {
		return
	}
	if d.authType.text != "" {
		in.diags.warnf(d.authType.pos, "remove the authentication block", "(%s) authentication is ignored beside auth_hmac", plain(d.Name))
	}
	d.Auth = Auth{}
	if d.Strict && h.Mode != Enforce {
		in.diags.warnf(h.pos, "remove mode, or vrrp_strict", "(%s) vrrp_strict: auth_hmac mode is enforce, not %v", plain(d.Name), h.Mode)
		h.Mode = Enforce
	}
	switch {
	case h.Monotonic && h.Window != 0:
		in.diags.warnf(h.window.pos, "remove it, or use anti_replay time", "(%s) time_window has no effect with anti_replay monotonic", plain(d.Name))
		h.Window = 0
	case !h.Monotonic && h.Window == 0:
		h.Window = min(max(3*d.AdvertInterval.Truncate(time.Second), lowWindow), maxWindow)
	}
	if len(h.Keys) == 0 {
		in.diags.errorf(h.pos, "key 1 file:/etc/vrrpx/key, and active_key 1", "(%s) auth_hmac without a key: expected at least one", plain(d.Name))
	} else if h.Active == 0 {
		in.diags.errorf(h.pos, "add active_key ID: the key that signs", "(%s) auth_hmac without active_key", plain(d.Name))
	} else if !h.has(h.Active) {
		in.diags.errorf(h.active.pos, "add that key", "(%s) active_key %d: there is no key of this id", plain(d.Name), h.Active)
	}
	d.HMAC = &h.HMAC
}

func (h *HMAC) has(id uint8) bool {
	return slices.ContainsFunc(h.Keys, func(k HMACKey) bool { return k.ID == id })
}

// hmac checks an auth_hmac whoever made it.
func (v *validator) hmac() {
	h := v.HMAC
	if h == nil || v.said("auth_hmac") {
		return // a file's has been checked where the words were
	}
	seen := map[uint8]bool{}
	for _, k := range h.Keys {
		if k.ID == 0 || seen[k.ID] || len(k.Secret) < minKey || len(k.Secret) > maxKey {
			v.errorf(v.Pos, "", "auth_hmac: expected keys of %d to %d bytes, each with an id of its own from 1 to 255", minKey, maxKey)
		}
		seen[k.ID] = true
	}
	if !seen[h.Active] {
		v.errorf(v.Pos, "", "auth_hmac: the active key %d is not among the keys", h.Active)
	}
	if w := h.Window; h.Monotonic != (w == 0) || w != 0 && (w < minWindow || w > maxWindow || w%time.Second != 0) {
		v.errorf(v.Pos, "", "auth_hmac: window %s: expected %s to %s in whole seconds, and none where sequence numbers need only grow", w, minWindow, maxWindow)
	}
	if h.Mode > ReceiveOnly {
		v.errorf(v.Pos, "", "auth_hmac: mode %d: expected 0 to 2", h.Mode)
	}
	if v.Auth.Type != AuthNone {
		v.errorf(v.Pos, "", "auth_hmac beside authentication")
	}
}
