package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	goodHex = "8f1d3a5c7e9b02468ace13579bdf0f1e2d3c4b5a69788796a5b4c3d2e1f00112"
	oneKey  = "key 1 hex:" + goodHex + "\nactive_key 1"
)

func hmacBlock(statements string) string { return instance("auth_hmac {\n" + statements + "\n}") }

// The defaults are those of keepalived.conf(5) of 2.4.
func TestHMACDefaults(t *testing.T) {
	for interval, window := range map[string]time.Duration{
		"1": 5 * time.Second, "1.9": 6 * time.Second, "2": 6 * time.Second, "20": time.Minute, "200": 5 * time.Minute,
	} {
		h := router(t, "", "advert_int "+interval+"\nauth_hmac {\n"+oneKey+"\n}").HMAC
		if h.Mode != Enforce || h.Monotonic || h.Window != window || h.Active != 1 || len(h.Keys) != 1 {
			t.Errorf("advert_int %s: %+v, want window %v", interval, h, window)
		}
	}
}

func TestHMACValues(t *testing.T) {
	h := router(t, "", "version 3\nauth_hmac {\n"+oneKey+
		"\nkey 255 \"an ASCII key, which is as long!!\"\nactive_key 255\nanti_replay monotonic\nmode receive-only\n}").HMAC
	if !h.Monotonic || h.Window != 0 || h.Mode != ReceiveOnly || h.Active != 255 || len(h.Keys) != 2 {
		t.Fatalf("%+v", h)
	}
	if k := h.Keys[0]; k.ID != 1 || fmt.Sprintf("%x", k.Secret.Reveal()) != goodHex {
		t.Errorf("key %d: %x", k.ID, k.Secret.Reveal())
	}
	if k := h.Keys[1]; k.ID != 255 || k.Secret.Reveal() != "an ASCII key, which is as long!!" {
		t.Errorf("key %d: %q", k.ID, k.Secret.Reveal())
	}
	if h := router(t, "", "auth_hmac {\n"+oneKey+"\ntime_window 300\nmode permissive\n}").HMAC; h.Window != 300*time.Second || h.Mode != Permissive {
		t.Errorf("%+v", h)
	}
}

func TestHMACRefuses(t *testing.T) {
	const secret = "0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		"":                     "auth_hmac without a key",
		"key 1 hex:" + goodHex: "without active_key",
		"key 1 hex:" + goodHex + "\nactive_key 2":   "active_key 2: there is no key of this id",
		oneKey + "\nkey 1 " + secret:                "key 1 is given twice",
		oneKey + "\nkey 0 " + secret:                "from 1 to 255",
		oneKey + "\nkey 256 " + secret:              "from 1 to 255",
		oneKey + "\nkey 2":                          "expected an id and a value",
		oneKey + "\nkey":                            "expected a value",
		oneKey + "\nkey 2 short":                    "5 bytes: expected 32 to 64",
		oneKey + "\nkey 2 hex:" + goodHex[2:]:       "31 bytes: expected 32 to 64",
		oneKey + "\nkey 2 " + secret + secret + "x": "65 bytes: expected 32 to 64",
		oneKey + "\nkey 2 hex:" + goodHex + "g0":    "wants pairs of hexadecimal digits",
		oneKey + "\nkey 2 hex:" + goodHex + "0":     "pairs of hexadecimal digits",
		oneKey + "\nkey 2 " + secret + "!more":      "ends at the comment sign",
		oneKey + "\nkey 2 file:/etc/k":              "file: is possible in a file only",
		oneKey + "\nanti_replay never":              "expected time or monotonic",
		oneKey + "\nmode lax":                       "expected enforce or permissive or receive-only",
		oneKey + "\ntime_window 0":                  "from 1 to 300",
		oneKey + "\ntime_window 301":                "from 1 to 300",
		oneKey + "\nnonsense":                       "unknown keyword",
	} {
		cfg, diags := Parse("f", []byte(hmacBlock(text)))
		said := show(diags)
		if cfg != nil || !strings.Contains(said, want) {
			t.Errorf("%s: got\n%s\nwant %s", text, said, want)
		}
		if strings.Contains(said, secret) || strings.Contains(said, goodHex[4:]) {
			t.Errorf("a key is shown:\n%s", said)
		}
		if !strings.Contains(said, "f:") || strings.Contains(said, "f: error") {
			t.Errorf("%s: no position:\n%s", text, said)
		}
	}
}

func TestHMACWarns(t *testing.T) {
	example := "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	for text, want := range map[string]string{
		"auth_hmac {\nkey 1 hex:" + example + "\nactive_key 1\n}":                          "key 1 can be guessed",
		"auth_hmac {\nkey 1 " + strings.Repeat("x", 32) + "\nactive_key 1\n}":              "key 1 can be guessed",
		"auth_hmac {\n" + oneKey + "\nanti_replay monotonic\ntime_window 5\n}":             "time_window has no effect",
		"strict_mode\nauth_hmac {\n" + oneKey + "\nmode permissive\n}":                     "mode is enforce, not permissive",
		"authentication {\nauth_type PASS\nauth_pass 1\n}\nauth_hmac {\n" + oneKey + "\n}": "authentication is ignored beside auth_hmac",
	} {
		cfg, diags := Parse("f", []byte(instance(text)))
		if cfg == nil || !strings.Contains(show(diags), want) {
			t.Errorf("%s: got\n%s\nwant %s", text, show(diags), want)
			continue
		}
		if r := cfg.Routers[0]; r.HMAC == nil || r.Auth.Type != AuthNone || r.Strict && r.HMAC.Mode != Enforce {
			t.Errorf("%s: %+v", text, r.HMAC)
		}
	}
	if _, diags := Parse("f", []byte(hmacBlock(oneKey+"\nkey 2 hex:"+goodHex))); len(diags) != 0 {
		t.Errorf("two good keys:\n%s", show(diags))
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good", "hex:"+goodHex+"\r\n", 0o600)
	write("ascii", "0123456789abcdef0123456789abcdeX", 0o400)
	write("open", "hex:"+goodHex, 0o640)
	write("world", "hex:"+goodHex, 0o604)
	write("long", strings.Repeat("x", maxKeyFile+1), 0o600)
	write("empty", "", 0o600)
	for path, want := range map[string]string{
		"good": "", "ascii": "", filepath.Join(dir, "good"): "",
		"open": "may be opened by others", "world": "may be opened by others", "long": "longer than any key",
		"empty": "0 bytes: expected 32", "absent": "no such file", ".": "not a regular file",
	} {
		conf := filepath.Join(dir, "keepalived.conf")
		if err := os.WriteFile(conf, []byte(hmacBlock("key 7 file:"+path+"\nactive_key 7")), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, diags := Load(conf, "")
		said := show(diags)
		if (cfg != nil) != (want == "") || !strings.Contains(said, want) || strings.Contains(said, goodHex[:20]) {
			t.Errorf("%s: got %s, want %s", path, said, want)
		}
		if want != "" && !strings.Contains(said, conf+":5:7: error") {
			t.Errorf("%s: no position: %s", path, said)
		}
		if cfg != nil && path == "good" && fmt.Sprintf("%x", cfg.Routers[0].HMAC.Keys[0].Secret.Reveal()) != goodHex {
			t.Error("another key than the file's")
		}
	}
}

func TestValidateRefusesHMAC(t *testing.T) {
	for want, spoil := range map[string]func(*Router){
		"keys of 32 to 64 bytes":            func(r *Router) { r.HMAC.Keys[0].Secret = "short" },
		"with an id of its own":             func(r *Router) { r.HMAC.Keys = append(r.HMAC.Keys, r.HMAC.Keys[0]) },
		"not among the keys":                func(r *Router) { r.HMAC.Active = 2 },
		"window 0s":                         func(r *Router) { r.HMAC.Window = 0 },
		"window 5m1s":                       func(r *Router) { r.HMAC.Window = 301 * time.Second },
		"window 5s":                         func(r *Router) { r.HMAC.Monotonic = true },
		"mode 3":                            func(r *Router) { r.HMAC.Mode = 3 },
		"beside authentication":             func(r *Router) { r.Auth = Auth{AuthAH, "1"} },
		"90 addresses: expected at most 89": func(r *Router) { sixAddresses(r, 90) },
	} {
		cfg := valid()
		r := &cfg.Routers[0]
		r.HMAC = &HMAC{Keys: []HMACKey{{1, "0123456789abcdef0123456789abcdeX"}}, Active: 1, Window: 5 * time.Second}
		if diags := Validate(cfg); len(diags) != 0 {
			t.Fatal(show(diags))
		}
		spoil(r)
		if s := show(Validate(cfg)); !strings.Contains(s, want) {
			t.Errorf("%s: got\n%s", want, s)
		}
	}
}

// auth_type AH as keepalived has it: version 2 only, and no MASTER from the start.
//
//vrrp:row 67
func TestAH(t *testing.T) {
	const ah = "\nauthentication {\nauth_type AH\nauth_pass 123456789\n}"
	if r := router(t, "", "state MASTER\npriority 150"+ah); r.Auth != (Auth{AuthAH, "12345678"}) || r.State != Backup {
		t.Errorf("%v %q, state %s", r.Auth.Type, r.Auth.Pass.Reveal(), r.State)
	}
	for _, where := range []string{"version 3", "strict_mode", "native_ipv6\nno_virtual_ipaddress"} {
		src := instance(where + ah)
		if strings.HasPrefix(where, "native") {
			src = strings.Replace(address("fe80::3/64"), "virtual_ip", ah+"\nvirtual_ip", 1)
		}
		cfg, diags := Parse("f", []byte(src))
		if cfg == nil || cfg.Routers[0].Auth != (Auth{}) || !strings.Contains(show(diags), "authentication is ignored") {
			t.Errorf("%s:\n%s", where, show(diags))
		}
	}
}

func sixAddresses(r *Router, n int) {
	r.Version, r.Family, r.Addresses = 3, 6, nil
	for i := range n {
		p := netip.MustParsePrefix(fmt.Sprintf("fe80::1:%x/64", i+1))
		r.Addresses = append(r.Addresses, Address{Prefix: p, Device: "eth0"})
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	const ascii = "an ASCII key, which is as long!!"
	r := router(t, "", "auth_hmac {\nkey 1 \""+ascii+"\"\nactive_key 1\n}")
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	printed := string(b) + fmt.Sprintf("%v %+v %#v %v", r, *r.HMAC, *r.HMAC, r.HMAC.Keys)
	if strings.Contains(printed, ascii) || strings.Contains(printed, fmt.Sprintf("%x", ascii)) || strings.Count(printed, redacted) < 4 {
		t.Error(printed)
	}
}
