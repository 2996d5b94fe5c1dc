package vrrp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// allowed are the packages that cannot reach a clock, a socket, a file, a
// random number or another goroutine. Of time only values are allowed. A hash
// and an HMAC are functions of their arguments; of crypto nothing else is one.
var allowed = []string{
	"bytes", "encoding/binary", "errors", "fmt", "net/netip", "slices", "strconv", "time",
	"crypto/hmac", "crypto/md5", "crypto/sha256", "hash",
}

// timeless is what of package time is a value or a type: time.Now, Sleep,
// After, NewTimer and all others are not here.
var timeless = []string{"Duration", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour"}

// The core is pure: what it does depends on its inputs and their stamps alone.
// So a step of the wall clock cannot move a deadline, and the simulator, the
// socket and the kernel are all the same to it.
//
//vrrp:row 33
func TestCoreIsPure(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		seen++
		for _, fault := range impurities(t, file, nil) {
			t.Error(fault)
		}
	}
	if seen == 0 {
		t.Error("no source found")
	}
}

// The rule itself must be able to fail.
func TestImpuritiesAreFound(t *testing.T) {
	for src, want := range map[string]int{
		`import "time"; const d = time.Second`:                      0,
		`import "net/netip"; var a netip.Addr`:                      0,
		`import "time"; func f() { time.Sleep(1) }`:                 1,
		`import "time"; var now = time.Now`:                         1,
		`import clock "time"; var now = clock.Now()`:                1,
		`import . "time"; var now = Now()`:                          1,
		`import "net"; var d net.Dialer`:                            1,
		`import "math/rand/v2"; var n = rand.Int()`:                 1,
		`import "github.com/vrrpx/vrrpx/stats"; var s stats.Status`: 1,
		`func f() { go f() }`:                                       1,
		`func f(c chan int) { select { case <-c: } }`:               3,
		`import "fmt"; func f() { fmt.Println() }`:                  1,
		`import "fmt"; var s = fmt.Sprintf("%d", 1)`:                0,
	} {
		if got := impurities(t, "x.go", "package vrrp; "+src); len(got) != want {
			t.Errorf("%s: found %q, want %d", src, got, want)
		}
	}
}

// impurities names what a file may not do. src is as in parser.ParseFile.
func impurities(t *testing.T, name string, src any) (found []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(at token.Pos, what string) { found = append(found, set.Position(at).String()+": "+what) }
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value) // the parser took it
		if !slices.Contains(allowed, path) {
			add(i.Pos(), "imports "+path)
		}
		if i.Name != nil {
			add(i.Pos(), "renames "+path+", which hides its uses")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			pkg, ok := n.X.(*ast.Ident)
			switch {
			case !ok:
			case pkg.Name == "time" && !slices.Contains(timeless, n.Sel.Name):
				add(n.Pos(), "uses time."+n.Sel.Name)
			case pkg.Name == "fmt" && !strings.HasPrefix(n.Sel.Name, "Sprint") && n.Sel.Name != "Errorf":
				add(n.Pos(), "uses fmt."+n.Sel.Name)
			}
		case *ast.GoStmt:
			add(n.Pos(), "starts a goroutine")
		case *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
			add(n.Pos(), "uses a channel")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				add(n.Pos(), "uses a channel")
			}
		}
		return true
	})
	return found
}
