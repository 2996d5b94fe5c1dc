package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/stats"
)

// The commands of docs/bpftool.md print what the page says they do: values differ,
// but no field is missing, new or of another kind.
func TestBpftoolPageIsTrue(t *testing.T) {
	testnet.Need(t, "root", "bpftool")
	const page, pinned = "../../docs/bpftool.md", "/sys/fs/bpf/vrrpx/"
	l := testnet.ForTest(t, "a", "b")
	a, b := l.Host("a"), l.Host("b")
	start(t, a, "native", v3.conf(150))
	awaitState(t, a, "MASTER")
	start(t, b, "native", testnet.Conf(3,
		testnet.Instance{VRID: 51, Priority: 100, AdvertInt: "0.1", VIPs: []string{vip}},
		testnet.Instance{VRID: 52, VIPs: []string{"10.99.9.2"}, Lines: []string{"unicast_src_ip " + b.Addr.String(), "unicast_peer {", a.Addr.String(), "}"}}))
	await(t, "b to answer", func() bool { _, code := vrrpx(t, b, "status"); return code == 0 })
	await(t, "adverts to be kept from the daemon", func() bool {
		r, ok := routerNamed(t, b, "VI_51")
		return ok && r.LongestGapToday != nil && stats.Seconds(0) < r.LongestGapToday.Seconds
	})
	text, err := os.ReadFile(page)
	must(t, err)
	dir, blocks := status(t, b).PinDir+"/", 0
	anew := regexp.MustCompile("(?s)```\n# (bpftool [^\n]*)\n(.*?)```").ReplaceAllStringFunc(string(text), func(block string) string {
		blocks++
		command, said, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(block, "```"), "```\n# "), "\n")
		out, err := b.Command(context.Background(), "sh", "-c", strings.ReplaceAll(command, pinned, dir)).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		is := firstEntry(t, command, out)
		if !*update {
			if want, got := shape(firstEntry(t, "the page's", []byte(said))), shape(is); !slices.Equal(got, want) {
				t.Errorf("%s prints\n%s\nand the page has\n%s", command, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			return block
		}
		shown, err := json.MarshalIndent([]any{is}, "", "    ")
		must(t, err)
		return "```\n# " + command + "\n" + narrow(string(shown)) + "\n```"
	})
	if blocks != 5 {
		t.Errorf("%d commands are on the page, of 5 maps", blocks)
	}
	if *update {
		must(t, os.WriteFile(page, []byte(anew), 0o644))
	}
}

// firstEntry is the first of a dump, that of VRID 51 if it is there.
func firstEntry(t *testing.T, command string, dump []byte) any {
	t.Helper()
	var entries []map[string]any
	if err := json.Unmarshal(dump, &entries); err != nil || len(entries) == 0 {
		t.Fatalf("%s: no entries (%v): %s", command, err, dump)
	}
	for _, e := range entries {
		if k, ok := e["key"].(map[string]any); ok && k["vrid"] == 51.0 {
			return e
		}
	}
	return entries[0]
}

// shape is what a value consists of: the names of its fields, and how many elements
// its lists have.
func shape(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, name)
			for _, s := range shape(v[name]) {
				all = append(all, name+"."+s)
			}
		}
	case []any:
		all = append(all, fmt.Sprintf("[%d]", len(v)))
		if len(v) > 0 {
			for _, s := range shape(v[0]) {
				all = append(all, "[]."+s)
			}
		}
	}
	return all
}

// narrow writes lists of numbers on one line.
func narrow(s string) string {
	return regexp.MustCompile(`\[[\s\d",x.a-f-]*\]`).ReplaceAllStringFunc(s, func(list string) string {
		return strings.Join(strings.Fields(list), "")
	})
}
