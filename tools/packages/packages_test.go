// Package packages holds no code. Its test is what packaging/nfpm.yaml names, and
// what it forgets.
package packages

import (
	"debug/buildinfo"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const root = "../.."

type packager struct {
	License  string            `yaml:"license"`
	Scripts  map[string]string `yaml:"scripts"`
	Contents []struct {
		Src  string `yaml:"src"`
		Dst  string `yaml:"dst"`
		Type string `yaml:"type"`
	} `yaml:"contents"`
}

// What is installed is packaged, and what is packaged is there.
func TestPackagesHaveWhatIsInstalled(t *testing.T) {
	testnet.Need(t, "make", "install", "gzip")
	b, err := os.ReadFile(filepath.Join(root, "packaging/nfpm.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var p packager
	if err := yaml.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	stage := filepath.Join(t.TempDir(), "stage")
	if out, err := exec.Command("make", "-C", root, "stage", "STAGE="+stage).CombinedOutput(); err != nil {
		t.Fatalf("make stage: %v\n%s", err, out)
	}
	packaged := map[string]bool{}
	for _, c := range p.Contents {
		if c.Type == "dir" {
			continue // made, not copied
		}
		file, ok := strings.CutPrefix(c.Src, "../bin/stage/")
		if !ok {
			t.Errorf("%s is not from bin/stage", c.Src)
		}
		if "/"+file != c.Dst && !strings.HasSuffix(c.Dst, "/site-functions/_vrrpx") {
			t.Errorf("%s goes to %s", c.Src, c.Dst)
		}
		if conf := strings.HasPrefix(c.Dst, "/etc/"); conf != (c.Type == "config|noreplace") {
			t.Errorf("%s is of type %q", c.Dst, c.Type)
		}
		packaged[filepath.Join(stage, file)] = true
		info, err := os.Stat(filepath.Join(stage, file))
		if err != nil {
			t.Errorf("nfpm.yaml: %v", err)
		} else if info.IsDir() != (c.Type == "tree") {
			t.Errorf("%s: a directory is a tree and nothing else is", c.Src)
		}
	}
	err = filepath.WalkDir(stage, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && packaged[path]:
			return filepath.SkipDir
		case !d.IsDir() && !packaged[path]:
			t.Errorf("%s is installed and not packaged", strings.TrimPrefix(path, stage))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checkCopyright(t, stage, p.License)
	if len(p.Scripts) != 3 {
		t.Errorf("scripts: %v", p.Scripts)
	}
	for kind, script := range p.Scripts {
		if out, err := exec.Command("sh", "-n", filepath.Join(root, "tools", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", kind, err, out)
		}
	}
}

// The copyright file has the notices of every module that is in the program, and
// the package says each licence by name.
func checkCopyright(t *testing.T, stage, license string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(stage, "usr/share/doc/vrrpx/copyright"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(filepath.Join(stage, "usr/sbin/vrrpx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) < 10 {
		t.Errorf("the program has %d modules", len(info.Deps))
	}
	of := []string{"go/*"}
	for _, m := range info.Deps {
		of = append(of, "vendor/"+m.Path+"/*")
	}
	files := strings.Fields(string(b))
	for _, file := range of {
		if !slices.Contains(files, file) {
			t.Errorf("the copyright file has nothing of %s", file)
		}
	}
	for line := range strings.Lines(string(b)) {
		if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "License: "); ok && !strings.Contains(license, kind) &&
			!strings.Contains(license, strings.ReplaceAll(kind, " or ", " OR ")) {
			t.Errorf("nfpm.yaml: license is %q, without %s", license, kind)
		}
	}
}

// What docs/capabilities.md says of the sandbox is so, and it gets no wider by accident.
func TestUnitIsAsConfinedAsItSays(t *testing.T) {
	testnet.Need(t, "systemd-analyze")
	if out, err := exec.Command("systemd-analyze", "--version").Output(); err != nil || !strings.HasPrefix(string(out), "systemd 252 ") {
		t.Skipf("another systemd than the page speaks of counts otherwise: %.12s (%v)", out, err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/capabilities.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile("`systemd-analyze security --offline=true packaging/systemd/vrrpx.service` \\(systemd 252\\) says ([0-9.]+), OK").FindSubmatch(page)
	if said == nil {
		t.Fatal("docs/capabilities.md does not say what systemd-analyze security says")
	}
	cmd := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "packaging/systemd/vrrpx.service")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for vrrpx.service: ([0-9.]+) `).FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	limit, err := strconv.ParseFloat(string(said[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > limit || level <= 0 {
		t.Errorf("systemd-analyze security says %s, docs/capabilities.md %s (%v)", found[1], said[1], err)
	}
}
