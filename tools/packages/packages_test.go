// Package packages holds no code. Its test is what packaging/nfpm.yaml names, and
// what it forgets.
package packages

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const root = "../.."

type packager struct {
	Scripts  map[string]string `yaml:"scripts"`
	Contents []struct {
		Src  string `yaml:"src"`
		Dst  string `yaml:"dst"`
		Type string `yaml:"type"`
	} `yaml:"contents"`
}

// What is installed is packaged, and what is packaged is there.
func TestPackagesHaveWhatIsInstalled(t *testing.T) {
	for _, program := range []string{"make", "install", "gzip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
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
	if len(p.Scripts) != 3 {
		t.Errorf("scripts: %v", p.Scripts)
	}
	for kind, script := range p.Scripts {
		if out, err := exec.Command("sh", "-n", filepath.Join(root, "tools", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", kind, err, out)
		}
	}
}
