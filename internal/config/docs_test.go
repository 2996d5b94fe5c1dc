package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// keywordsDoc writes docs/keywords.md from the tables.
func keywordsDoc() string {
	var b strings.Builder
	b.WriteString(`# Keywords of keepalived.conf

Made from the tables in internal/config (` + "`go test ./internal/config -run KeywordsDoc -update`" + `). What is **honoured** does what
keepalived does, but for what [differences.md](differences.md) lists. What has **no effect** is not VRRP's, and said so once. What
is **refused** is an error with the hint given here: to leave it out in silence would change what happens on the network.
`)
	for _, block := range []string{"global_defs", "vrrp_instance", "authentication", "auth_hmac", "split_brain", "heartbeat", "vrrp_sync_group", ""} {
		fmt.Fprintf(&b, "\n## %s%s\n\n| keyword | | |\n|---|---|---|\n", strings.ToUpper(inBlock(block)[:1]), inBlock(block)[1:])
		for _, name := range slices.Sorted(maps.Keys(blocks[block])) {
			kw := blocks[block][name]
			verdict, why := "refused", kw.hint
			switch {
			case kw.kind != nil:
				verdict, why = "no effect", strings.TrimSuffix(kw.kind.what, "; without effect")
			case slices.Contains(ours, name):
				verdict, why = "honoured", "vrrpx's own"
			case kw.set != nil || kw.shape.block():
				verdict, why = "honoured", ""
			case len(kw.off) > 0:
				why += "; accepted with " + strings.Join(kw.off, ", ")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, verdict, why)
		}
	}
	if len(addressOptions) > 0 {
		fmt.Fprintf(&b, "\nOf an address, `%s` are refused.\n", strings.Join(addressOptions, "`, `"))
	}
	return b.String()
}

func TestKeywordsDocIsThatOfTheTables(t *testing.T) {
	const file = "../../docs/keywords.md"
	want := keywordsDoc()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the tables say: go test ./internal/config -run KeywordsDoc -update", file)
	}
}
