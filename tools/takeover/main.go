// Command takeover measures how late a backup takes over when its master is
// killed: vrrpx and keepalived in turn, on the same hosts, in one run.
//
// A kill is SIGKILL to the master and its cable pulled. Lateness is the time
// from the master's last advert to the backup's first gratuitous ARP (and to
// its first advert), by the kernel's stamps on the bridge between them, minus
// the master-down interval of RFC 9568 section 6.1. keepalived runs at its
// leanest: no syslog (-G), VRRP only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "takeover: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	vrrpx := flag.String("vrrpx", "vrrpx", "the vrrpx `program`")
	keepalived := flag.String("keepalived", "keepalived", "the keepalived `program`")
	kills := flag.Int("kills", 20, "kills of each daemon")
	advert := flag.Float64("advert", 0.1, "advert interval in `seconds`, 0.01 to 40.95")
	verbose := flag.Bool("v", false, "print each kill as it is measured")
	file := flag.String("o", "", "write each kill to this CSV `file`")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case *kills < 1:
		return fmt.Errorf("-kills %d: nothing to measure", *kills)
	case *advert < 0.01 || *advert > 40.95:
		return fmt.Errorf("-advert %v: VRRPv3 has 0.01 to 40.95 s", *advert)
	case os.Geteuid() != 0:
		return fmt.Errorf("needs root: it makes network namespaces of its own, and removes them")
	}

	b, err := newBench(time.Duration(math.Round(*advert*100)) * 10 * time.Millisecond)
	if err != nil {
		return err
	}
	defer b.close()
	programs := map[testnet.Kind]string{testnet.VRRPX: *vrrpx, testnet.Keepalived: *keepalived}
	var rows []row
	spoiled := map[testnet.Kind]int{}
	for n := 1; n <= *kills; n++ {
		// In turn, so that what else the machine does meets both alike.
		for _, kind := range kinds {
			r, err := b.kill(ctx, kind, programs[kind])
			for tries := 0; errors.Is(err, errSpoiled) && tries < 5; tries++ {
				spoiled[kind]++
				r, err = b.kill(ctx, kind, programs[kind])
			}
			if err != nil {
				return fmt.Errorf("kill %d of %s: %w", n, kind, err)
			}
			r.number = n
			rows = append(rows, r)
			if *verbose {
				fmt.Printf("%3d %-10s advert %+.3f ms, gratuitous ARP %+.3f ms\n", n, kind, ms(r.advert), ms(r.garp))
			}
		}
	}
	fmt.Print(table(rows, b.interval, b.masterDown()))
	for _, kind := range kinds {
		if n := spoiled[kind]; n > 0 {
			fmt.Printf("\n%s took over %d times while its master lived: those were repeated.\n", kind, n)
		}
	}
	if *file != "" {
		return os.WriteFile(*file, csv(rows), 0o644)
	}
	return nil
}
