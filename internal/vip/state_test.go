package vip

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is a process to be killed where the environment says so.
func TestMain(m *testing.M) {
	if file := os.Getenv("VRRPX_TEST_HOLD"); file != "" {
		if err := holdUntilKilled(file); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func holdUntilKilled(file string) error {
	held := make(chan Event, 10)
	m, err := Open(Options{StateFile: file, Events: func(ev Event) {
		if ev.Kind == Held {
			held <- ev
		}
	}})
	if err != nil {
		return err
	}
	if err := m.Declare("VI_1", addrs("192.0.2.3/24", "192.0.2.4/24", "192.0.2.9/24")); err != nil {
		return err
	}
	if err := m.Declare("VI_2", addrs("192.0.2.5/24")); err != nil { // never held
		return err
	}
	m.Hold("VI_1")
	if ev := <-held; len(ev.Errors) > 0 {
		return ev.Errors[0]
	}
	fmt.Println("held")
	select {}
}

// crashed leaves the host as a process does that held 192.0.2.3/24 and
// 192.0.2.4/24 when it was killed, and for which 192.0.2.9/24 was foreign.
func crashed(t *testing.T, h *host) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "addresses.json")
	h.ip(t, "address add 192.0.2.9/24 dev vip0")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "VRRPX_TEST_HOLD="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.do(t, func() {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	cmd.Wait() // says that it was killed
	if got := h.addresses(t); line != "held\n" || len(got) != 4 {
		t.Fatalf("the process said %q and left %v", line, got)
	}
	return file
}

var uncrashed = []string{"192.0.2.1/24", "192.0.2.9/24"}

func TestOpenRemovesWhatAKilledProcessLeft(t *testing.T) {
	h := newHost(t)
	file := crashed(t, h)
	m, r := h.startAt(t, file)
	if got := h.addresses(t); !slices.Equal(got, uncrashed) {
		t.Errorf("the host has %v, want %v", got, uncrashed)
	}
	for _, want := range []string{"address 192.0.2.3/24 dev vip0", "address 192.0.2.4/24 dev vip0"} {
		if ev := r.take(t, Cleaned); ev.What != want {
			t.Errorf("told %+v, want %s", ev, want)
		}
	}
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	if r.count(Foreign) != 0 {
		t.Error("our own address was taken for foreign")
	}
}

func TestCleanupRemovesWhatAKilledProcessLeft(t *testing.T) {
	h := newHost(t)
	file := crashed(t, h)
	h.ip(t, "address del 192.0.2.4/24 dev vip0") // someone was quicker: no error
	removed, err := h.cleanup(t, file)
	if err != nil || len(removed) != 1 || removed[0] != "address 192.0.2.3/24 dev vip0" {
		t.Errorf("removed %v, %v", removed, err)
	}
	if got := h.addresses(t); !slices.Equal(got, uncrashed) {
		t.Errorf("the host has %v, want %v", got, uncrashed)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the state file: %v", err)
	}
	if removed, err := h.cleanup(t, file); err != nil || len(removed) != 0 {
		t.Errorf("again: %v, %v", removed, err)
	}
	if removed, err := h.cleanup(t, filepath.Join(t.TempDir(), "none", "addresses.json")); err != nil || len(removed) != 0 {
		t.Errorf("without a directory: %v, %v", removed, err)
	}
}

func TestStateFileListsAnAddressBeforeItIsAdded(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "addresses.json")
	h.ip(t, "address add 192.0.2.9/24 dev vip0")
	m, r := h.startAt(t, file)
	sent := make(chan []string, 10) // what was listed when a request was sent
	intercept(m, func(send func([]byte) error, b []byte) error {
		s, err := load(file, m.state)
		if err != nil {
			t.Error(err)
		}
		var listed []string
		for _, a := range s.Addresses {
			listed = append(listed, a.Owner+" "+a.Address.String()+" "+a.Device)
		}
		sent <- listed
		return send(b)
	})
	declare(t, m, "VI_1", addrs("192.0.2.3/24", "192.0.2.9/24"))
	hold(t, m, r, "VI_1")
	if listed, want := <-sent, []string{"VI_1 192.0.2.3/24 vip0"}; !slices.Equal(listed, want) {
		t.Errorf("listed before the first add: %q, want %q", listed, want)
	}
	// A foreign address that goes and is put back becomes ours: listed first.
	h.ip(t, "address del 192.0.2.9/24 dev vip0")
	r.take(t, Restored)
	if listed, want := <-sent, []string{"VI_1 192.0.2.3/24 vip0", "VI_1 192.0.2.9/24 vip0"}; !slices.Equal(listed, want) {
		t.Errorf("listed before the putting-back: %q, want %q", listed, want)
	}
}

func TestDoubtfulStateFileRemovesNothing(t *testing.T) {
	h := newHost(t)
	edit := func(f func(*state)) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			var s state
			b, err := os.ReadFile(file)
			if err == nil {
				err = json.Unmarshal(b, &s)
			}
			if err == nil {
				f(&s)
				err = s.save(file)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name  string
		spoil func(*testing.T, string)
		want  string // empty: no error
	}{
		{"empty", write(""), "is damaged"},
		{"cut short", write(`{"version":1,"boot_id":"`), "is damaged"},
		{"no JSON", write("\x00\xff\n{["), "is damaged"},
		{"another type", write(`{"version":1,"addresses":17}`), "is damaged"},
		{"no address", edit(func(s *state) { s.Addresses[0].Device = "" }), "is damaged"},
		{"another version", edit(func(s *state) { s.Version = 4 }), "version 4"},
		{"a setting that is not ours", edit(func(s *state) {
			s.Settings = []changedSetting{{sysctl{"ipv4", device, "forwarding"}, 1, 0}}
		}), "damaged"},
		{"a device without a MAC", edit(func(s *state) { s.Devices = []MACVLAN{{Name: "vrrp.51", Base: device}} }), "damaged"},
		{"another namespace", edit(func(s *state) { s.Netns++ }), "another network namespace"},
		{"writable by all", func(t *testing.T, file string) {
			if err := os.Chmod(file, 0o666); err != nil {
				t.Fatal(err)
			}
		}, "written by others"},
		{"another user's", func(t *testing.T, file string) {
			if err := os.Chown(file, 65534, 65534); err != nil {
				t.Fatal(err)
			}
		}, "written by others"},
		{"before the reboot", edit(func(s *state) { s.BootID = "another" }), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.ip(t, "address flush dev vip0")
			h.ip(t, "address add 192.0.2.1/24 dev vip0")
			file := crashed(t, h)
			test.spoil(t, file)
			m, err := h.open(t, file, &recorder{})
			if m != nil {
				defer shut(t, m)
			}
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else {
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file) {
					t.Errorf("Open: %v, want %q", err, test.want)
				}
				if removed, err := h.cleanup(t, file); err == nil || len(removed) != 0 {
					t.Errorf("Cleanup: %v, %v", removed, err)
				}
			}
			if got := h.addresses(t); len(got) != 4 {
				t.Errorf("the host has %v", got)
			}
		})
	}
}

func TestSecondManagerAndCleanupLeaveALivingOneAlone(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "addresses.json")
	m, r := h.startAt(t, file)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	if _, err := h.open(t, file, r); err == nil || !strings.Contains(err.Error(), "in use by a running vrrpx (PID") {
		t.Errorf("Open: %v", err)
	}
	if removed, err := h.cleanup(t, file); err == nil || len(removed) != 0 {
		t.Errorf("Cleanup: %v, %v", removed, err)
	}
	if !h.has(t, "192.0.2.3/24") {
		t.Error("the living one's address was removed")
	}
}

func TestUnwritableStateFileIsToldAndAddressesComeAllTheSame(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(t.TempDir(), "run")
	m, r := h.startAt(t, filepath.Join(dir, "addresses.json"))
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	if ev := r.take(t, Trouble); ev.Err == nil || !strings.Contains(ev.Err.Error(), "state file") {
		t.Errorf("told %+v", ev)
	}
	hold(t, m, r, "VI_1")
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the state file, once it can be written", func() bool {
		b, err := os.ReadFile(m.stateFile)
		return err == nil && strings.Contains(string(b), "192.0.2.3/24")
	})
}

func TestOpenTellsWhenTheStateCannotBeKept(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.open(t, filepath.Join(file, "addresses.json"), &recorder{}); err == nil {
		t.Error("no error for a state file below a file")
	}
}

func TestCloseRemovesTheStateFile(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "addresses.json")
	m, r := h.startAt(t, file)
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	begun := time.Now()
	shut(t, m)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the state file: %v", err)
	}
	if h.has(t, "192.0.2.3/24") {
		t.Error("the address was left")
	}
	t.Logf("closed in %v", time.Since(begun))
}

func TestCloseThatFailsKeepsTheStateFile(t *testing.T) {
	h := newHost(t)
	file := crashed(t, h)
	r := &recorder{}
	m, err := h.open(t, file, r)
	if err != nil {
		t.Fatal(err)
	}
	declare(t, m, "VI_1", addrs("192.0.2.3/24"))
	hold(t, m, r, "VI_1")
	refuse(m)
	if err := m.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "192.0.2.3/24") {
		t.Errorf("Close: %v", err)
	}
	if removed, err := h.cleanup(t, file); err != nil || len(removed) != 1 {
		t.Errorf("Cleanup: %v, %v", removed, err)
	}
}
