package vrrp

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tag is the one form in which a test names rows of the conformance checklist:
// a directive in Go, a comment in a conversation.
var tag = regexp.MustCompile(`(?m)^(?://|# )vrrp:row((?: \d+)+)$`)

// owed are the rows that the pure core can prove. The others need the wire,
// the kernel or the host, and are tagged where those are tested.
var owed = []int{
	5, 6, 7, 8, 10, 11, // packet out
	13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 26, 27, // packet in
	28, 29, 30, 31, 32, 33, 34, // timers
	35, 36, 41, 42, 43, 47, 48, 49, 50, 51, 52, 53, 54, 55, // state machine
	64, 65, 66, // VRRPv2
}

func TestEveryRowOwedIsTagged(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*_test.go", "testdata/*.txt"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	tagged := map[int]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := tag.FindAllStringSubmatch(string(b), -1)
		if strings.HasPrefix(file, "testdata") && len(found) == 0 {
			t.Errorf("%s names no row", file)
		}
		for _, m := range found {
			for _, s := range strings.Fields(m[1]) {
				row, _ := strconv.Atoi(s)
				if row < 1 || row > 67 {
					t.Errorf("%s: there is no row %d", file, row)
				}
				tagged[row] = true
			}
		}
	}
	for _, row := range owed {
		if !tagged[row] {
			t.Errorf("no test names row %d", row)
		}
	}
}
