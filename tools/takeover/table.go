package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// kinds are the daemons in the order in which they are killed and shown.
var kinds = []testnet.Kind{testnet.VRRPX, testnet.Keepalived}

// tooLate is the lateness that is counted.
const tooLate = time.Millisecond

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile is the nearest-rank one of sorted durations, which are not empty:
// always a value that was measured.
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

// table is the Markdown of a run.
func table(rows []row, interval, masterDown time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Adverts every %v, master-down interval %v, %d CPUs. Milliseconds past the master-down interval:\n\n",
		interval, masterDown, runtime.NumCPU())
	b.WriteString("| daemon | first | kills | p50 | p99 | max | over 1 ms late |\n|---|---|---:|---:|---:|---:|---:|\n")
	for _, kind := range kinds {
		var adverts, garps []time.Duration
		for _, r := range rows {
			if r.kind == kind {
				adverts, garps = append(adverts, r.advert), append(garps, r.garp)
			}
		}
		line(&b, kind, "gratuitous ARP", garps)
		line(&b, kind, "advert", adverts)
	}
	return b.String()
}

func line(b *strings.Builder, kind testnet.Kind, what string, ds []time.Duration) {
	if len(ds) == 0 {
		return
	}
	slices.Sort(ds)
	late := 0
	for _, d := range ds {
		if d > tooLate {
			late++
		}
	}
	fmt.Fprintf(b, "| %s | %s | %d | %.3f | %.3f | %.3f | %d |\n",
		kind, what, len(ds), ms(percentile(ds, 50)), ms(percentile(ds, 99)), ms(ds[len(ds)-1]), late)
}

// csv is the raw measurements.
func csv(rows []row) []byte {
	var b strings.Builder
	b.WriteString("kill,daemon,advert_late_ms,garp_late_ms\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "%d,%s,%.6f,%.6f\n", r.number, r.kind, ms(r.advert), ms(r.garp))
	}
	return []byte(b.String())
}
