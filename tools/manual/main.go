// Command manual makes vrrpx(8), vrrpx.conf(5) and the completions for bash and
// zsh, from what `vrrpx --help` is made of (`vrrpx help --json`) and from the
// tables of the language (config.Manual). What it makes is committed.
//
//	cd tools && go run ./manual        (make manual)
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/vrrpx/vrrpx/internal/config"
)

// program is the command line as `vrrpx help --json` tells it.
type program struct {
	About    string    `json:"about"`
	Commands []command `json:"commands"`
}

type command struct {
	Name  string   `json:"name"`
	Usage string   `json:"usage"`
	Short string   `json:"short"`
	Flags []option `json:"flags"`
}

type option struct {
	Long     string   `json:"long"`
	Letter   string   `json:"letter"`
	Value    string   `json:"value"`
	Optional bool     `json:"optional"`
	Choices  []string `json:"choices"`
	Default  string   `json:"default"`
	Text     string   `json:"text"`
	Repeat   bool     `json:"repeat"`
}

func main() {
	root := flag.String("root", "..", "the top of the source tree")
	flag.Parse()
	if err := write(*root); err != nil {
		fmt.Fprintln(os.Stderr, "manual: error:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	made, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range made {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their path in the tree.
func generate(root string) (map[string]string, error) {
	p, err := load(root)
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"packaging/man/vrrpx.8":           p.manual(),
		"packaging/man/vrrpx.conf.5":      language(config.Manual()),
		"packaging/completion/vrrpx.bash": p.bash(),
		"packaging/completion/_vrrpx":     p.zsh(),
	}, nil
}

// load asks the program of the tree. Package main cannot be imported.
func load(root string) (*program, error) {
	cmd := exec.Command("go", "run", "./cmd/vrrpx", "help", "--json")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go run ./cmd/vrrpx help --json: %w", err)
	}
	p := &program{}
	if err := json.Unmarshal(out, p); err != nil {
		return nil, fmt.Errorf("vrrpx help --json: %w", err)
	}
	return p, nil
}
