package vrrp

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the machines said into testdata/*.txt")

// Each testdata/*.txt is a conversation between routers on one LAN. What a
// reader writes starts at the margin; what the machines answer is indented and
// compared, or written anew with -update. See testdata/README.
func TestConversations(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			l := &lan{}
			for n, line := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
				if strings.HasPrefix(line, " ") {
					continue
				}
				l.print("%s", line)
				if line == "" || line[0] == '#' {
					continue
				}
				if err := l.line(strings.Fields(line)); err != nil {
					t.Fatalf("%s:%d: %s: %v", file, n+1, line, err)
				}
			}
			got := strings.Join(l.out, "\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(b) {
				t.Errorf("%s differs (go test ./vrrp -run Conversations -update writes it):\n%s", file, firstDifference(string(b), got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
