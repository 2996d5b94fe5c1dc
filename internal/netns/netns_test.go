package netns

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netns"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// elsewhere runs f in a new network namespace.
func elsewhere(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	there, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	defer func() {
		if err := netns.Set(home); err != nil {
			panic(err) // the thread must not go on in the wrong namespace
		}
	}()
	f()
}

func names(t *testing.T) (run, pin string, cookie uint64) {
	t.Helper()
	var err error
	if run, err = RunDir(); err != nil {
		t.Error(err)
	}
	if pin, err = PinDir(); err != nil {
		t.Error(err)
	}
	if cookie, err = Cookie(); err != nil {
		t.Error(err)
	}
	return run, pin, cookie
}

func TestNamespaceOfPID1HasThePlainNames(t *testing.T) {
	host, err := IsHost()
	if err != nil {
		t.Fatal(err)
	}
	if !host && os.Getenv("CI") == "true" {
		t.Fatal("needs to run in the network namespace of PID 1, and CI=true forbids skipping")
	}
	if !host {
		t.Skip("needs to run in the network namespace of PID 1")
	}
	run, pin, _ := names(t)
	if run != "/run/vrrpx" || pin != "/sys/fs/bpf/vrrpx" {
		t.Errorf("run dir %q, pin dir %q", run, pin)
	}
}

func TestEveryOtherNamespaceHasNamesOfItsOwn(t *testing.T) {
	testnet.Need(t, "root")
	seen := map[uint64]bool{}
	for range 2 {
		elsewhere(t, func() {
			if host, err := IsHost(); err != nil || host {
				t.Errorf("IsHost() = %v, %v", host, err)
			}
			run, pin, cookie := names(t)
			if want := fmt.Sprintf("/run/vrrpx/netns-%d", cookie); run != want {
				t.Errorf("run dir %q, want %q", run, want)
			}
			if want := fmt.Sprintf("/sys/fs/bpf/vrrpx/netns-%d", cookie); pin != want {
				t.Errorf("pin dir %q, want %q", pin, want)
			}
			if seen[cookie] {
				t.Errorf("cookie %d was used twice", cookie)
			}
			seen[cookie] = true
		})
	}
}

func TestInodeStandsInForTheCookie(t *testing.T) {
	testnet.Need(t, "root")
	here, err := inode()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere(t, func() {
		there, err := inode()
		if err != nil || there == here || there == 0 {
			t.Errorf("inode %d here, %d there, %v", here, there, err)
		}
	})
}
