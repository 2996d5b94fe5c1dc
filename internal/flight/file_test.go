package flight

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

var clocks = Clocks{Wall: time.Date(2026, 11, 23, 21, 5, 0, 123456789, time.UTC), At: t0}

// captured is what two routers did, of which the first was flown at random.
func captured(t *testing.T) []Capture {
	t.Helper()
	rng := newRand(7)
	p := newPilot(base(), 4*Least)
	p.fly(rng, 400)
	p.ring.Refuse(p.now, p.now, p.m, Refused{Why: vrrp.DropAuthData, Src: other, Priority: 200})
	c6 := base()
	c6.Family, c6.Primary = vrrp.IPv6, netip.MustParseAddr("fe80::9")
	c6.Addrs = []netip.Addr{netip.MustParseAddr("fe80::100")}
	q := newPilot(c6, Least)
	q.step(t0, vrrp.Startup{})
	a := advert(netip.MustParseAddr("fe80::6"), 200)
	a.Addrs = c6.Addrs
	q.step(t0+500, vrrp.Heard{Advert: a})
	all := []Capture{{Router: "VI_1", Interface: "eth0"}, {Router: "VI=6\n", Interface: "eth0"}}
	for i, ring := range []*Ring{p.ring, q.ring} {
		var err error
		if all[i].Records, err = Read(ring.Copy(nil)); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func written(t *testing.T, all []Capture) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, "vrrpx test", clocks, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is read from a file is what was written into it, to the last field.
func TestFileComesBack(t *testing.T) {
	all := captured(t)
	got, err := ReadFile(bytes.NewReader(written(t, all)))
	if err != nil {
		t.Fatal(err)
	}
	all[1].Router = "VI=6 " // a name cannot have a line break
	if !reflect.DeepEqual(got, all) {
		for i := range all {
			for j := range all[i].Records {
				if !reflect.DeepEqual(got[i].Records[j], all[i].Records[j]) {
					t.Fatalf("%s: record %d came back as\n%+v\nwant\n%+v", all[i].Router, j, got[i].Records[j], all[i].Records[j])
				}
			}
		}
		t.Fatalf("%q and %q came back", got[0].Router, got[1].Router)
	}
	for i := range got {
		if _, err := Replay(&got[i]); err != nil {
			t.Error(err)
		}
	}
}

// The blocks, octet by octet, as the drafts have them.
func TestGoldenBlocks(t *testing.T) {
	for name, c := range map[string]struct {
		write func(*blocks)
		want  string
	}{
		"section": {func(w *blocks) { w.section("vrrpx", "ab") },
			"0a0d0d0a 34000000 4d3c2b1a 01000000 ffffffff ffffffff 01000200 61620000 04000500 76727270 78000000 00000000 34000000"},
		"interface": {func(w *blocks) { w.iface("eth0", "R1") },
			"01000000 30000000 01000000 00000000 02000400 65746830 03000200 52310000 09000100 09000000 00000000 30000000"},
		"packet": {func(w *blocks) { w.packet(1, 0x123456789a, []byte{1, 2, 3, 4, 5}, "abc", "d") },
			"06000000 44000000 01000000 12000000 9a785634 05000000 05000000 01020304 05000000 " +
				"01000300 61626300 01000100 64000000 02000400 01000000 00000000 44000000"},
		"journal": {func(w *blocks) { w.journal([2]string{"A", "b"}, [2]string{"C", "d="}) },
			"09000000 18000000 413d620a 433d643d 0a000000 18000000"},
	} {
		var w blocks
		c.write(&w)
		if got := fmt.Sprintf("%x", w.b); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, strings.ReplaceAll(c.want, " ", ""))
		}
	}
}

// A rebuilt frame is one that our own judge takes, and has what was heard.
func TestRebuiltFramesAreGood(t *testing.T) {
	v2 := advert(other, 200)
	v2.Version, v2.Auth = 2, vrrp.AuthPass
	v6 := advert(netip.MustParseAddr("fe80::6"), 0)
	v6.Addrs = []netip.Addr{netip.MustParseAddr("fe80::100"), netip.MustParseAddr("2001:db8::1")}
	for _, a := range []vrrp.Advert{advert(other, 200), v2, v6} {
		frame, ok := rebuild(&a)
		if !ok {
			t.Fatalf("no frame for %+v", a)
		}
		fr, drop, is := vrrp.Judge(frame, func(vrid uint8, f vrrp.Family) (vrrp.Expect, bool) {
			group := group4
			if f == vrrp.IPv6 {
				group = group6
			}
			return vrrp.Expect{Version: a.Version, Auth: a.Auth, Own: own, Group: group}, vrid == a.VRID
		})
		if !is || drop != vrrp.Accepted || fr.Src != a.Src || fr.MAC != a.MAC {
			t.Errorf("%+v became %v (%v, %v)", a, drop, fr.Src, is)
			continue
		}
		if p, err := vrrp.Parse(fr.Message, fr.Family); err != nil || !reflect.DeepEqual(p, a.Packet) {
			t.Errorf("%+v became %+v, %v", a.Packet, p, err)
		}
	}
	none := []vrrp.Advert{advert(netip.Addr{}, 1), advert(other, 1), advert(other, 1), advert(netip.MustParseAddr("fe80::1%eth0"), 1)}
	none[1].Version, none[2].Interval = 4, time.Millisecond
	for _, a := range none {
		if _, ok := rebuild(&a); ok {
			t.Errorf("%+v became a frame", a)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	good := written(t, captured(t))
	turn := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	record := bytes.Index(good, []byte(recordMark)) + len(recordMark)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "no record"},
		"text":            {[]byte("version 3\nrouter 1\n"), "a block of"},
		"cut off":         {good[:len(good)-5], "cut off"},
		"head cut off":    {good[:4], "cut off"},
		"long block":      {turn(6, 0xff), "a block of"},
		"lengths differ":  {turn(int(binary.LittleEndian.Uint32(good[4:]))-4, 0xf0), "lengths differ"},
		"record":          {turn(record, 'x'), "cannot be read"},
		"not base64":      {turn(record, '*'), "cannot be read"},
		"two sections":    {append(bytes.Clone(good), good...), "one section"},
		"another's":       {good[:binary.LittleEndian.Uint32(good[4:])], "no record"},
		"other byteorder": {turn(8, 0x1a), "byte order"},
	} {
		_, err := ReadFile(bytes.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A replay finds what was done differently, and says what.
func TestReplayFindsTheFirstDifference(t *testing.T) {
	all := captured(t)
	c := &all[1]
	last := &c.Records[len(c.Records)-1]
	last.Effects = append(last.Effects, vrrp.SendAdvert{Priority: 7})
	_, err := Replay(c)
	var d *Difference
	if !errors.As(err, &d) || d.Record.Seq != last.Seq || !strings.Contains(err.Error(), "priority 7") {
		t.Errorf("%v", err)
	}
	p := newPilot(base(), Least)
	p.step(t0, vrrp.Startup{})
	p.step(t0+1, vrrp.Heard{Advert: advert(other, 200)})
	p.ring.key(p.now, vrrp.New(base()), kindKey) // of another machine
	records, _ := Read(p.ring.Copy(nil))
	if _, err := Replay(&Capture{Router: "R", Records: records}); !errors.As(err, &d) || d.Record.Key == nil {
		t.Errorf("a keyframe of another machine: %v", err)
	}
	if _, err := Replay(&Capture{Router: "R", Records: records[1:2]}); !errors.Is(err, ErrNoKeyframe) {
		t.Errorf("no keyframe: %v", err)
	}
}

func TestSinceBeginsWithAKeyframe(t *testing.T) {
	c := captured(t)[0]
	n, last := len(c.Records), c.Records[len(c.Records)-1].Done
	c.Since(last.Add(-time.Second))
	if len(c.Records) == 0 || len(c.Records) >= n || !c.Records[0].keyframe() {
		t.Fatalf("%d of %d records", len(c.Records), n)
	}
	if _, err := Replay(&c); err != nil {
		t.Error(err)
	}
}

// A peer with a wrong password is told of, and does not push the rest out.
func TestRefusedAdvertsAreFew(t *testing.T) {
	p := newPilot(base(), Least)
	d := Refused{Why: vrrp.DropAuthInvalid, Src: other, MAC: [6]byte{2}, Priority: 100}
	for i := range 1000 {
		at := t0.Add(time.Duration(i) * 50 * time.Millisecond) // for 50 s
		p.ring.Refuse(at, at, p.m, d)
	}
	records, err := Read(p.ring.Copy(nil))
	if err != nil {
		t.Fatal(err)
	}
	var total uint64
	for _, r := range records[1:] {
		total += 1 + r.Refused.Missed
	}
	if n := len(records) - 1; n != 5 || total != 801 {
		t.Errorf("%d records tell of %d, want 5 of 801", n, total)
	}
}

// Wireshark opens it without complaint, and shows verdict and decision.
func TestTsharkReadsIt(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	all := captured(t)
	file := filepath.Join(t.TempDir(), "f.pcapng")
	if err := os.WriteFile(file, written(t, all), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	cmd := exec.Command(tshark, "-n", "-r", file, "-T", "fields", "-e", "frame.time_epoch", "-e", "vrrp.prio", "-e", "frame.interface_description", "-e", "frame.comment", "-e", "_ws.malformed")
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	if said := strings.ReplaceAll(complaints.String(), "Running as user \"root\" and group \"root\". This could be dangerous.\n", ""); said != "" {
		t.Errorf("tshark complains: %s", said)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	records, adverts := 0, 0
	for i := range all {
		records += len(all[i].Records)
	}
	for _, l := range lines {
		if strings.Contains(l, "verdict: accepted; decision: ") {
			adverts++
		}
	}
	if len(lines) != records || adverts < 40 {
		t.Errorf("tshark shows %d records of %d, %d of them adverts", len(lines), records, adverts)
	}
	want := fmt.Sprintf("%d.%09d\t200\tvrrpx router VI=6 \tverdict: accepted; decision: ", clocks.wall(t0+500)/1e9, clocks.wall(t0+500)%1e9)
	if !strings.Contains(out.String(), want) {
		t.Errorf("no line begins with %q", want)
	}
	if strings.Contains(out.String(), "Malformed") {
		t.Error("a frame is malformed")
	}
}

// FuzzFile: any file is captures that replay or not, or an error.
func FuzzFile(f *testing.F) {
	p := newPilot(base(), Least)
	p.fly(newRand(3), 5)
	records, _ := Read(p.ring.Copy(nil))
	var b bytes.Buffer
	_ = Write(&b, "vrrpx", clocks, []Capture{{Router: "R", Interface: "eth0", Records: records}})
	f.Add(b.Bytes())
	f.Add([]byte("\x0a\x0d\x0d\x0a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ReadFile(bytes.NewReader(b))
		if err != nil {
			return
		}
		for i := range all {
			_, _ = Replay(&all[i])
		}
		if err := Write(&bytes.Buffer{}, "again", clocks, all); err != nil {
			t.Error(err)
		}
	})
}
