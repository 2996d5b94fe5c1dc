package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// writeFiles writes files into a directory and makes it the current one.
func writeFiles(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInclude(t *testing.T) {
	body := "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.3\n}\n"
	writeFiles(t, map[string]string{
		"one.inc":           minimal,
		"d/inner.inc":       "include deeper/body.inc\n", // relative to its own directory
		"d/deeper/body.inc": body,
		"d/none.inc":        "# nothing\n",
		"d/open.inc":        "vrrp_instance VI_1 {\n",
		"conf.d/a.conf":     strings.NewReplacer("VI_1", "A", "51", "1", "0.3", "0.1").Replace(minimal),
		"conf.d/b.conf":     strings.NewReplacer("VI_1", "B", "51", "2", "0.3", "0.2").Replace(minimal),
		"conf.d/.b.swp":     "nonsense {",
		"conf.d/note.txt":   "nonsense {",
		"bad.inc":           "global_defs {\nnonsense\n}\n",
		"cycle.inc":         "include cycle.inc\n",
		"ping.inc":          "include pong.inc\n",
		"pong.inc":          "include ping.inc\n",
		"unclosed.inc":      "global_defs {\n",
	})
	if err := syscall.Mkfifo("fifo.inc", 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := os.WriteFile(fmt.Sprintf("deep%d.inc", i), fmt.Appendf(nil, "include deep%d.inc\n", i+1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		src     string
		routers int    // -1: refused
		want    string // in the diagnostics; empty: there are none
	}{
		{"include one.inc", 1, ""},
		{"include\tone.inc   # comment", 1, ""},
		{"includea " + "$PWD/one.inc", 1, ""},
		{"vrrp_instance VI_1 {\ninclude d/inner.inc\n}", 1, ""},
		{"include d/none.inc\ninclude d/none.inc\n" + minimal, 1, ""},
		{"include d/open.inc\n" + body + "}", 1, ""},
		{"include conf.d/*.conf", 2, ""},
		{"include conf.d/{a,b}.conf", 2, ""},
		{"includea {conf.d/{a,b}.conf,one.inc}", 3, ""},
		{"includew conf.d/[ab].conf", 2, ""},
		{"include conf.d/*\n", -1, "conf.d/note.txt:1:1: error: unknown keyword"},
		{minimal + "include nothing.inc", 1, "main.conf:8:1: warning: include: no file matches \"nothing.inc\""},
		{minimal + "include no*.inc", 1, ""},
		{minimal + "includer nothing.inc", 1, "warning: includer: no file matches"},
		{minimal + "includem no*.inc", 1, ""},
		{minimal + "includem nothing.inc", -1, "main.conf:8:1: error: includem: no file matches"},
		{minimal + "includew no*.inc", -1, "main.conf:8:1: error: includew: no file matches"},
		{"includeb {one,two}.inc", -1, "main.conf:1:1: error: includeb: no file matches \"two.inc\""},
		{"includea {one,two}.inc", -1, "main.conf:1:1: error: includea: no file matches \"two.inc\""},
		{"include {one,two}.inc", 1, ""},
		{minimal + "include d", 1, "warning: cannot include \"d\": it is a directory"},
		{minimal + "includer d", -1, "error: cannot include \"d\": it is a directory"},
		{minimal + "includer fifo.inc", -1, "error: cannot include \"fifo.inc\": it is not a regular file"},
		{minimal + "include bad.inc", -1, "bad.inc:2:1: error: unknown keyword \"nonsense\" in global_defs"},
		{minimal + "include cycle.inc", -1, "cycle.inc:1:1: error: \"cycle.inc\" includes itself"},
		{minimal + "include main.conf", -1, "main.conf:8:1: error: \"main.conf\" includes itself"},
		{minimal + "include ./d/../main.conf", -1, "includes itself"},
		{minimal + "include ping.inc", -1, "pong.inc:1:1: error: \"ping.inc\" includes itself"},
		{minimal + "include deep0.inc", -1, "deep14.inc:1:1: error: include is nested more than 16 files deep"},
		{minimal + "include unclosed.inc", -1, "unclosed.inc:1:13: error: the block of global_defs is never closed: expected } before the end of main.conf at line 8"},
		{minimal + "include \"one.inc\"", -1, "error: include: expected a path without \""},
		{minimal + "include  # nothing", -1, "main.conf:8:1: error: include: expected a path after it"},
		{minimal + "include a[.inc", -1, "expected a pattern with each [ closed by ]"},
		{minimal + "include " + strings.Repeat("{a,b}", 9), -1, "its braces make more than 256"},
		{minimal + "include " + strings.Repeat("x", 5000), -1, "the path is too long"},
	} {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		src := strings.ReplaceAll(c.src, "$PWD", wd)
		if err := os.WriteFile("main.conf", []byte(src), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, diags := Load("main.conf", "")
		routers := -1
		if cfg != nil {
			routers = len(cfg.Routers)
		}
		if text := show(diags); routers != c.routers || !strings.Contains(text, c.want) || c.want == "" && text != "" && routers < 3 {
			t.Errorf("%.99s: %d routers, want %d\n%s\nwant %s", src, routers, c.routers, text, c.want)
		}
	}
}

func TestDiagnosticsOfIncludedFilesFollowThoseOfTheirIncluder(t *testing.T) {
	writeFiles(t, map[string]string{
		"z.conf": "include b.inc\ninclude a.inc\nnonsense\n" + minimal,
		"a.inc":  "nonsense\n",
		"b.inc":  "nonsense\n",
	})
	_, diags := Load("z.conf", "")
	var got []string
	for _, d := range diags {
		got = append(got, d.Pos.String())
	}
	if want := "[z.conf:3:1 b.inc:1:1 a.inc:1:1]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestUnreadableFile(t *testing.T) {
	writeFiles(t, map[string]string{"big.conf": strings.Repeat("#", maxBytes+1)})
	for path, want := range map[string]string{
		"nothing.conf": "nothing.conf: error: cannot read the configuration: no such file or directory\n",
		".":            ".: error: cannot read the configuration: it is a directory\n",
		"big.conf":     "big.conf: error: cannot read the configuration: the configuration is larger than 16 MiB\n",
		"/dev/zero":    "/dev/zero: error: cannot read the configuration: the configuration is larger than 16 MiB\n",
	} {
		cfg, diags := Load(path, "")
		if cfg != nil || len(diags) != 1 || diags[0].String()+"\n" != want {
			t.Errorf("%s: %s", path, show(diags))
		}
	}
	if cfg, diags := Parse("f", make([]byte, maxBytes+1)); cfg != nil || len(diags) != 1 {
		t.Error(show(diags))
	}
}

// large is a configuration of about n bytes.
func large(n int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "vrrp_instance VI_%d {\n\tinterface eth%d\n\tvirtual_router_id %d\n\tpriority 150\n\tadvert_int 1\n\tauthentication {\n\t\tauth_type PASS\n\t\tauth_pass 1111\n\t}\n", i, i/255, i%255+1)
		fmt.Fprintf(&b, "\tvirtual_ipaddress {\n\t\t10.%d.%d.%d/24 dev eth%d label eth%d:1\n\t}\n}\n", i>>16, i>>8&0xff, i&0xff, i/255, i/255)
	}
	return []byte(b.String())
}

func TestLargeFile(t *testing.T) {
	src := large(5 << 20)
	cfg, diags := Parse("f", src)
	if cfg == nil || len(cfg.Routers) < 20_000 || len(diags) != 0 {
		t.Error(show(diags))
	}
}

func BenchmarkParse5MB(b *testing.B) {
	src := large(5 << 20)
	for b.Loop() {
		if cfg, _ := Parse("f", src); cfg == nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParse5MBOfNonsense(b *testing.B) {
	src := []byte(strings.Repeat("vrrp_instanse priority { eth0 }\n", 5<<20/32))
	for b.Loop() {
		if cfg, _ := Parse("f", src); cfg != nil {
			b.Fatal("accepted")
		}
	}
}
