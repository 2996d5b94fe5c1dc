package testnet

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// Captured or built by hand from the RFCs, one field group a word.
const (
	v3Advert = "01005e000012 02000000000a 0800" +
		"45c00020 0001 0000 ff70 0000 0a000005 e0000012" +
		"31 33 96 01 0064 0000 0a000003"
	v2AdvertAH = "01005e000012 02000000000a 0800" +
		"45c00040 0001 0000 ff33 0000 0a000005 e0000012" +
		"70 04 0000 00000000 00000001 000000000000000000000000" +
		"21 07 64 01 0201 0000 0a000003 0000000000000000"
	v3AdvertIPv6 = "333300000012 02000000000a 86dd" +
		"60000000 0020 70 ff fe80000000000000000000000000000a ff020000000000000000000000000012" +
		"31 05 ff 01 0064 0000 fe800000000000000000000000000001"
	garp = "ffffffffffff 02000000000a 0806" +
		"0001 0800 06 04 0001 02000000000a 0a000003 000000000000 0a000003"
	arpRequest = "ffffffffffff 02000000000a 0806" +
		"0001 0800 06 04 0001 02000000000a 0a000005 000000000000 0a000003"
	naUnsolicited = "333300000001 02000000000a 86dd" +
		"60000000 0018 3a ff fe80000000000000000000000000000a ff020000000000000000000000000001" +
		"88 00 0000 a0000000 20010db8000000000000000000000003"
	naSolicited = "02000000000b 02000000000a 86dd" +
		"60000000 0018 3a ff fe80000000000000000000000000000a fe80000000000000000000000000000b" +
		"88 00 0000 e0000000 20010db8000000000000000000000003"
	ping = "02000000000b 02000000000a 0800" +
		"4500001c 0001 0000 4001 0000 0a000005 0a000003 0800000000010001"
)

func frame(t *testing.T, s string) Frame {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return Frame{Bytes: b}
}

func TestAdvertsAreDecoded(t *testing.T) {
	for name, c := range map[string]struct {
		frame          string
		version        uint8
		vrid, priority uint8
		src            string
	}{
		"version 3":           {v3Advert, 3, 51, 150, "10.0.0.5"},
		"version 2 behind AH": {v2AdvertAH, 2, 7, 100, "10.0.0.5"},
		"version 3 over IPv6": {v3AdvertIPv6, 3, 5, 255, "fe80::a"},
	} {
		a, ok := frame(t, c.frame).Advert()
		if !ok || a.Version != c.version || a.Type != 1 || a.VRID != c.vrid || a.Priority != c.priority ||
			a.Count != 1 || a.Src.String() != c.src || a.SrcMAC.String() != "02:00:00:00:00:0a" {
			t.Errorf("%s: %+v %v", name, a, ok)
		}
	}
	for name, f := range map[string]string{"GARP": garp, "NA": naUnsolicited, "ping": ping, "nothing": ""} {
		if frame(t, f).IsAdvert() {
			t.Errorf("%s passes for an advert", name)
		}
	}
}

func TestAnnouncementsAreToldFromQuestions(t *testing.T) {
	for name, c := range map[string]struct {
		frame    string
		garp, na bool
	}{
		"GARP":           {garp, true, false},
		"ARP request":    {arpRequest, false, false},
		"unsolicited NA": {naUnsolicited, false, true},
		"solicited NA":   {naSolicited, false, false},
		"advert":         {v3Advert, false, false},
	} {
		f := frame(t, c.frame)
		if f.IsGARP("10.0.0.3") != c.garp || f.IsNA("2001:db8::3") != c.na {
			t.Errorf("%s: GARP %v NA %v", name, f.IsGARP("10.0.0.3"), f.IsNA("2001:db8::3"))
		}
		if f.IsGARP("10.0.0.4") || f.IsNA("2001:db8::4") {
			t.Errorf("%s announces an address that it does not hold", name)
		}
	}
}

func TestTheTapKeepsOnlyWhatItPromises(t *testing.T) {
	for _, f := range []string{v3Advert, v2AdvertAH, v3AdvertIPv6, garp, arpRequest, naUnsolicited} {
		if !frame(t, f).Announces() {
			t.Errorf("not kept: %s", f)
		}
	}
	if frame(t, ping).Announces() {
		t.Error("a ping was kept")
	}
}

func TestCutFramesAreDecodedWithoutPanic(t *testing.T) {
	for _, s := range []string{v3Advert, v2AdvertAH, v3AdvertIPv6, garp, naUnsolicited} {
		whole := frame(t, s).Bytes
		for n := range whole {
			f := Frame{Bytes: whole[:n:n]}
			f.Announces()
			f.Advert()
			f.SrcIP()
			f.SrcMAC()
			if f.IsGARP("10.0.0.3") || f.IsNA("2001:db8::3") {
				t.Errorf("%d bytes of %s pass for an announcement", n, s)
			}
		}
	}
}

func TestGroupFrame(t *testing.T) {
	h := &Host{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 7}}
	src := netip.MustParseAddr("10.0.0.7")
	b := h.GroupFrame(src, 255, protoVRRP, []byte{0x31, 51, 100, 1})
	a, ok := Frame{Bytes: b}.Advert()
	if !ok || a.Src != src || a.SrcMAC.String() != h.MAC.String() || a.VRID != 51 || a.Priority != 100 {
		t.Errorf("decoded %v: %+v", ok, a)
	}
	if ip := b[14:34]; len(b) != 60 || Checksum(ip) != 0 || ip[3] != 24 || ip[8] != 255 {
		t.Errorf("% x", b)
	}
}
