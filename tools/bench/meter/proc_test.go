package meter

import (
	"maps"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestStatIsReadBehindTheCommand(t *testing.T) {
	const line = "42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 123 45 7 8 20 0 5 0 100 1 1"
	if got, err := parseStat([]byte(line)); err != nil || got != 1680*time.Millisecond {
		t.Errorf("%v, %v; want (123 + 45) x 10 ms", got, err)
	}
	if _, err := parseStat([]byte("42 (a) S 1")); err == nil {
		t.Error("a short line was taken")
	}
}

func TestSwitchesOfAnEndedThreadAreNotNegative(t *testing.T) {
	got := Process{CPU: 3, Voluntary: 5, Involuntary: 9}.Sub(Process{CPU: 1, Voluntary: 7, Involuntary: 8})
	if want := (Process{CPU: 2, Involuntary: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestMachineIsBusyWhenItIsNotIdle(t *testing.T) {
	at := time.Unix(1000, 0)
	before, err1 := parseMachine([]byte("cpu  1 2 3 600 40 6\ncpu0 1 1 1 300 20 1\ncpu1 0 1 2 300 20 5 0 0\nintr 5\n"), at)
	after, err2 := parseMachine([]byte("cpu  1 2 3 600 40 6\ncpu0 1 1 1 1290 20 1\ncpu1 0 1 2 700 30 5 0 0\n"), at.Add(10*time.Second))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if got := after.Busy(before); got < 0.5999 || got > 0.6001 { // 20 s less 9.9 s, 4.0 s and 0.1 s
		t.Errorf("busy %v processors, want 0.6", got)
	}
	if _, err := parseMachine([]byte("intr 5\n"), at); err == nil {
		t.Error("no processor is no error")
	}
}

func TestOwnProcessIsMeasured(t *testing.T) {
	before, err := ProcessOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(60 * time.Millisecond); time.Now().Before(end); {
		runtime.Gosched()
	}
	time.Sleep(time.Millisecond)
	after, err := ProcessOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	used := after.Sub(before)
	if used.CPU <= 0 || used.Voluntary == 0 {
		t.Errorf("a busy loop and a sleep used %+v", used)
	}
	m, err := MemoryOf(os.Getpid())
	if err != nil || m.PSS < 1<<20 || m.PSS > m.RSS {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := ProcessOf(1 << 30); err == nil {
		t.Error("a process that is not there was measured")
	}
}

func TestStealOfEachProcessor(t *testing.T) {
	const stat = "cpu  2500863 808729 906767 9663417 34100 0 62816 1484 0 0\ncpu0 1 2 3 4 5 6 7 743 9 10\ncpu11 1 2 3 4 5 6 7 12\ncpu3 1 2 3 4 5 6 7\nintr 44 5\ncpu2 1 1 1 1 1 1 1 1\n"
	got, err := parseStolen([]byte(stat))
	if want := map[int]time.Duration{0: 7430 * time.Millisecond, 11: 120 * time.Millisecond}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"cpux 1 2 3 4 5 6 7 8\n", "cpu1 1 2 3 4 5 6 7 x\n"} {
		if _, err := parseStolen([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
