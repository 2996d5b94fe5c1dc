package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// With VRRPX_SCRAPES=20: what a scrape costs, by a Prometheus that scrapes a MASTER so
// often, once a second, against as long a time without. It is for a person;
// docs/monitoring.md has what came of it.
func TestScrapeCost(t *testing.T) {
	scrapes, err := strconv.Atoi(os.Getenv("VRRPX_SCRAPES"))
	if err != nil {
		t.Skip("VRRPX_SCRAPES=20 says how many scrapes each is measured by")
	}
	testnet.Need(t, "root", "prometheus")
	for _, c := range []struct {
		routers int
		pacer   string
	}{{1, "kernel"}, {64, "kernel"}, {255, "kernel"}, {255, "thread"}} {
		t.Run(fmt.Sprintf("%d %s", c.routers, c.pacer), func(t *testing.T) {
			l := testnet.ForTest(t, "a", "b", "p")
			a, b, p := l.Host("a"), l.Host("b"), l.Host("p")
			conf := func(priority int) string {
				var list []testnet.Instance
				for i := range c.routers {
					list = append(list, testnet.Instance{
						VRID: i + 1, Priority: priority, AdvertInt: "0.1", VIPs: []string{fmt.Sprintf("10.99.200.%d/32", i+1)}, Lines: []string{"vrrpx_pacer " + c.pacer},
					})
				}
				return testnet.Conf(3, list...)
			}
			all := func(h *testnet.Host, state string) {
				t.Helper()
				await(t, fmt.Sprintf("all of %s to be %s", h.Name, state), func() bool {
					time.Sleep(200 * time.Millisecond)
					s, err := askStatus(t, h)
					if err != nil {
						return false
					}
					for _, r := range s.Routers {
						if r.State != state {
							return false
						}
					}
					return true
				})
			}
			da := start(t, a, "native", conf(150), "--metrics="+metricsPort)
			all(a, "MASTER")
			start(t, b, "native", conf(100), "--metrics="+metricsPort)
			all(b, "BACKUP")

			length := time.Duration(scrapes) * time.Second
			quietCPU, quiet := during(t, l, a, da, length)
			s := prometheus(t, p, nil, a)
			await(t, "a to be scraped", func() bool { return is(t, s, "up == 1") })
			cpu, scraped := during(t, l, a, da, length)
			all(a, "MASTER")

			one := func(expr string) float64 {
				t.Helper()
				v, err := s.Query(t.Context(), expr)
				must(t, err)
				if len(v) != 1 {
					t.Fatalf("%s: %v", expr, v)
				}
				return v[0].Value.V
			}
			plain, packed := size(t, p, a.Addr.String()+metricsPort)
			t.Logf("%d routers, pacer %s: %.0f samples a scrape, %d bytes, %d compressed; %.1f ms of CPU a scrape, %.1f ms until it is there",
				c.routers, c.pacer, one("scrape_samples_scraped"), plain, packed,
				(cpu-quietCPU).Seconds()*1000/float64(scrapes), 1000*one(fmt.Sprintf("avg_over_time(scrape_duration_seconds[%ds])", scrapes)))
			t.Logf("CPU without %v, with %v, in %v", quietCPU, cpu, length)
			t.Logf("gaps between adverts without: %s; with: %s", quiet, scraped)
			if n := one(fmt.Sprintf("sum_over_time(up[%ds])", scrapes)); n < float64(scrapes)*0.9 {
				t.Errorf("%v of %d scrapes succeeded", n, scrapes)
			}
		})
	}
}

// gaps are times between adverts of one router each.
type gaps []time.Duration

func (g gaps) String() string {
	sorted := slices.Sorted(slices.Values(g))
	at := func(part float64) time.Duration {
		return sorted[min(int(part*float64(len(g))), len(g)-1)].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d, 99.9 %% within %v, the longest %v", len(g), at(0.999), at(1))
}

// during measures a time: the CPU of a MASTER's process, and the gaps between its
// adverts.
func during(t *testing.T, l *testnet.LAN, h *testnet.Host, d *testnet.Daemon, length time.Duration) (cpu time.Duration, g gaps) {
	t.Helper()
	tap, err := l.TapHost(h.Name, testnet.Frame.IsAdvert)
	must(t, err)
	defer tap.Close()
	cpu = d.CPU()
	time.Sleep(length)
	cpu = d.CPU() - cpu
	last := map[uint8]vrrp.Instant{}
	for _, f := range tap.Frames() {
		a, _ := f.Advert()
		if before, ok := last[a.VRID]; ok {
			g = append(g, f.At.Sub(before))
		}
		last[a.VRID] = f.At
	}
	if len(g) == 0 {
		t.Fatal("no adverts")
	}
	return cpu, g
}

// size is how long an answer is, as text and compressed.
func size(t *testing.T, from *testnet.Host, address string) (plain, packed int) {
	t.Helper()
	for _, encoding := range []string{"identity", "gzip"} {
		must(t, from.Do(func() error {
			c, err := net.DialTimeout("tcp", address, patience)
			if err != nil {
				return err
			}
			defer c.Close()
			req, err := http.NewRequest(http.MethodGet, "http://"+address+"/metrics", nil)
			if err != nil {
				return err
			}
			req.Header.Set("Accept-Encoding", encoding)
			req.Close = true
			if err := req.Write(c); err != nil {
				return err
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || encoding == "identity" {
				plain = len(body)
				return err
			}
			packed = len(body)
			_, err = gzip.NewReader(bytes.NewReader(body))
			return err
		}))
	}
	return plain, packed
}
