package main

import (
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func TestPercentileIsAMeasuredValue(t *testing.T) {
	ds := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 50: 5, 51: 6, 90: 9, 99: 10, 100: 10} {
		if got := percentile(ds, p); got != want {
			t.Errorf("p%v of 1 to 10: %d, want %d", p, got, want)
		}
	}
	if got := percentile(ds[:1], 50); got != 1 {
		t.Errorf("p50 of one: %d", got)
	}
}

func TestTableSummarisesEachDaemon(t *testing.T) {
	const us = time.Microsecond
	got := table([]row{
		{testnet.VRRPX, 1, 300 * us, 100 * us},
		{testnet.Keepalived, 1, 500 * us, 400 * us},
		{testnet.VRRPX, 2, 200 * us, -50 * us},
		{testnet.Keepalived, 2, 1500 * us, 1001 * us},
	}, 100*time.Millisecond, 360*time.Millisecond)
	for _, line := range []string{
		"| vrrpx | gratuitous ARP | 2 | -0.050 | 0.100 | 0.100 | 0 |",
		"| vrrpx | advert | 2 | 0.200 | 0.300 | 0.300 | 0 |",
		"| keepalived | gratuitous ARP | 2 | 0.400 | 1.001 | 1.001 | 1 |",
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}
}

func TestMasterDownIsTheRFCs(t *testing.T) {
	b := bench{interval: 100 * time.Millisecond}
	if got := b.masterDown(); got != 360937500*time.Nanosecond {
		t.Errorf("%v", got)
	}
}
