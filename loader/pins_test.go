package loader

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// childVar makes the test binary a process that opens, attaches and waits to
// be killed: "PINDIR IFINDEX".
const childVar = "VRRPX_LOADER_TEST_CHILD"

func TestMain(m *testing.M) {
	if args, ok := os.LookupEnv(childVar); ok {
		fmt.Println(child(args))
		select {} // until killed
	}
	os.Exit(m.Run())
}

func child(args string) error {
	var dir string
	var ifindex int
	if _, err := fmt.Sscan(args, &dir, &ifindex); err != nil {
		return err
	}
	k, err := Open(Options{PinDir: dir})
	if err != nil {
		return err
	}
	if err := k.SetRule(Key{uint32(ifindex), 51, vrrp.IPv4}, v3rule()); err != nil {
		return err
	}
	_, _, err = k.Attach(ifindex, Auto)
	return err
}

// pinDir names a directory that no other test uses, and sees that it goes.
func pinDir(t *testing.T) string {
	t.Helper()
	testnet.Need(t, "root")
	dir := filepath.Join(bpffs, fmt.Sprintf("vrrpx-test-%d", os.Getpid()), t.Name())
	t.Cleanup(func() {
		if exists(dir) {
			t.Errorf("%s is left", dir)
			_, _ = Cleanup(dir)
		}
	})
	return dir
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

var allPins = []string{"interfaces", "peers", "routers", "speakers", "state"} // sorted

func TestPinsAppearAndGo(t *testing.T) {
	dir := pinDir(t)
	k, err := Open(Options{PinDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, allPins) {
		t.Errorf("pinned %v, want %v", got, allPins)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Dir(dir)) {
		t.Errorf("%s is left", filepath.Dir(dir))
	}
}

// bpftool prints what it dumps with BTF under "formatted".
func dump(t *testing.T, pin string) (values []map[string]any) {
	t.Helper()
	out, err := exec.Command("bpftool", "-j", "map", "dump", "pinned", pin).Output()
	if err != nil {
		t.Fatalf("bpftool map dump pinned %s: %v: %s", pin, err, out)
	}
	var all []struct {
		Formatted struct{ Value map[string]any }
	}
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for _, e := range all {
		values = append(values, e.Formatted.Value)
	}
	return values
}

func TestPinnedMapsHaveNamedFields(t *testing.T) {
	testnet.Need(t, "bpftool")
	dir := pinDir(t)
	h := open(t, Options{PinDir: dir})
	defer h.Close()
	k := h.key(51, vrrp.IPv4)
	r := v3rule()
	r.Elide = &Match{Src: r.Group, Priority: 199}
	h.set(k, r)
	h.run(v4frame(unhex(v3plain)))
	h.run(v4frame(unhex(v3plain), ttl(9)))
	h.run(v4frame(unhex(v3plain), fragment(1)))
	for pin, want := range map[string]map[string]float64{
		"routers":    {"version": 3, "priority": 100, "elide": 1, "match_priority": 199, "up_rate": 1e6},
		"state":      {"received": 1, "sent_up": 1, "matched": 0, "checksum_plain": 1, "drops.ttl": 1, "drops.own": 0},
		"interfaces": {"frames": 3, "passed": 3, "drops.fragment": 1, "drops.vlan": 0},
	} {
		values := dump(t, filepath.Join(dir, pin))
		if len(values) != 1 {
			t.Fatalf("%s has %d entries", pin, len(values))
		}
		for name, v := range want {
			in := values[0]
			if d, ok := in["drops"].(map[string]any); ok && len(name) > 6 && name[:6] == "drops." {
				in, name = d, name[6:]
			}
			if got, ok := in[name].(float64); !ok || got != v {
				t.Errorf("%s: %s is %v, want %v", pin, name, in[name], v)
			}
		}
	}
}

// After kill -9 the kernel has detached by itself. What stays is the pins: dead
// maps, which Cleanup removes and another Open replaces.
func TestWhatAKilledProcessLeaves(t *testing.T) {
	dir := pinDir(t)
	p := newPair(t)
	kill := func() {
		t.Helper()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVar+"="+dir+" "+strconv.Itoa(p.ours))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil { // in the namespace of this thread
			t.Fatal(err)
		}
		said, err := bufio.NewReader(out).ReadString('\n')
		if said != "<nil>\n" {
			t.Errorf("child says %q (%v)", said, err)
		}
		wantOccupant(t, p.ours, vrrpxProgVrrpxRx, Native)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as it should be
		for range 100 {
			if o, err := occupant(p.ours); err != nil || o == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		wantOccupant(t, p.ours, "", Off)
		if got := list(t, dir); !slices.Equal(got, allPins) {
			t.Errorf("left %v, want %v", got, allPins)
		}
	}

	kill()
	removed, err := Cleanup(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{dir + "/interfaces", dir + "/peers", dir + "/routers", dir + "/speakers", dir + "/state", dir, filepath.Dir(dir)}
	if !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}

	kill()
	h := open(t, Options{PinDir: dir})
	h.attachTo(p.ours, Native)
	if _, err := h.State(Key{uint32(p.ours), 51, vrrp.IPv4}); err == nil {
		t.Error("the dead process's maps are in use")
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	wantOccupant(t, p.ours, "", Off)
}

// Another container may have this BPF file system and a run directory of its own,
// whose lock says nothing here.
func TestCleanupSparesARunningProcess(t *testing.T) {
	dir, p := pinDir(t), newPair(t)
	k := open(t, Options{PinDir: dir})
	k.attachTo(p.ours, Native)
	if removed, err := Cleanup(dir); !errors.As(err, new(*InUseError)) || len(removed) != 0 {
		t.Errorf("removed %v: %v", removed, err)
	}
	if got := list(t, dir); !slices.Equal(got, allPins) {
		t.Errorf("left %v, want %v", got, allPins)
	}
}

func TestCleanupLeavesOtherNamespacesAlone(t *testing.T) {
	dir := pinDir(t)
	inner := filepath.Join(dir, "netns-1")
	outer, err := Open(Options{PinDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(Options{PinDir: inner})
	if err != nil {
		t.Fatal(err)
	}
	if err := outer.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Cleanup(dir); err != nil {
		t.Error(err)
	}
	if got := list(t, inner); !slices.Equal(got, allPins) {
		t.Errorf("the other's pins are %v", got)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestCleanupOfNothing(t *testing.T) {
	if removed, err := Cleanup(pinDir(t)); err != nil || len(removed) != 0 {
		t.Errorf("removed %v, %v", removed, err)
	}
}

// Only pins are removed: a wrong path must cost nobody a file.
func TestCleanupTouchesOnlyABPFFileSystem(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if removed, err := Cleanup(dir); err == nil || len(removed) != 0 || !exists(file) {
		t.Errorf("removed %v, %v", removed, err)
	}
}

func TestPinDirOffABPFFileSystemIsRefused(t *testing.T) {
	testnet.Need(t, "root")
	k, err := Open(Options{PinDir: filepath.Join(t.TempDir(), "vrrpx"), NoTimer: true})
	if err == nil {
		k.Close()
		t.Fatal("pinned outside of a BPF file system")
	}
	if pin := new(PinError); !errors.As(err, &pin) {
		t.Errorf("no *PinError, which says that all else would work: %v", err)
	}
}

// In a mount namespace with a fresh /sys, as `ip netns exec` makes it, the BPF
// file system is missing, and mounted.
func TestMissingBPFFileSystemIsMounted(t *testing.T) {
	newPair(t) // and with it a thread of our own
	// It is to die with the goroutine: to come back into the mount namespace leaves its
	// working directory at the root, and who gets the thread next opens testdata in vain.
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNS); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(bpffs, "vrrpx")
	k, err := Open(Options{PinDir: dir, NoTimer: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, dir); !slices.Equal(got, allPins) {
		t.Errorf("pinned %v", got)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}
