package demo

import (
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestWatchClosesThoughSignalsInterruptIt(t *testing.T) {
	needs(t)
	lan, err := testnet.Spec{Prefix: prefix, Hosts: []testnet.HostSpec{{Name: "lb01"}}}.Build()
	if err != nil {
		t.Fatal(err)
	}
	defer lan.Close()
	w, err := watchAddress(lan.Host("lb01"))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		interruptThreads(t)
		time.Sleep(time.Millisecond)
	}
	closed := make(chan struct{})
	go func() {
		w.close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting for an address message")
	}
}

// interruptThreads sends every thread a signal that Go's runtime takes for one
// of its own and ignores.
func interruptThreads(t *testing.T) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if tid, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // it may have ended
		}
	}
}
