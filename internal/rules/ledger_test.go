package rules

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/conformance.md anew")

const ledger = "../../docs/conformance.md"

// The ledger says of every row of the conformance checklist what holds it: the
// tests that name the row, or why there is none. It is made of rows.txt and of
// the tags in the tests, and committed for people to read.
func TestLedger(t *testing.T) {
	text, err := os.ReadFile("rows.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(string(text))
	if err != nil {
		t.Fatal(err)
	}
	tags, err := findTags("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults(rows, tags) {
		t.Error(fault)
	}
	want := write(rows, tags)
	if *update {
		if err := os.WriteFile(ledger, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(ledger); err != nil || string(got) != want {
		t.Errorf("docs/conformance.md is not what the tags say (go test ./internal/rules -run Ledger -update writes it): %v", err)
	}
}

// row is a requirement.
type row struct {
	number      int
	level, text string
	reason      string // why no test names it, or what the tests leave out
	section     string // the heading above it, if it is the first there
}

// readRows reads rows.txt.
func readRows(text string) ([]row, error) {
	var rows []row
	section := ""
	for n, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			section = line
			continue
		case line == "" || line[0] == '#':
			continue
		}
		f := strings.Split(line, " | ")
		if len(f) == 3 {
			f = append(f, "")
		}
		number, err := strconv.Atoi(f[0])
		if err != nil || len(f) != 4 || number != len(rows)+1 || !slices.Contains([]string{"M", "MN", "S", "m", "-"}, f[1]) {
			return nil, fmt.Errorf("rows.txt:%d: want row %d as number | level | requirement | reason", n+1, len(rows)+1)
		}
		rows = append(rows, row{number, f[1], f[2], f[3], section})
		section = ""
	}
	return rows, nil
}

// tags are the tests that name a row: of each file or directory their names.
type tags map[int]map[string][]string

func (t tags) add(numbers, where, test string) {
	for _, s := range strings.Fields(numbers) {
		n, _ := strconv.Atoi(s) // the expression took it
		if t[n] == nil {
			t[n] = map[string][]string{}
		}
		if !slices.Contains(t[n][where], test) {
			t[n][where] = append(t[n][where], test)
		}
	}
}

var (
	tagInGo   = regexp.MustCompile(`(?m)^//vrrp:row((?: \d+)+)$`)
	tagInText = regexp.MustCompile(`(?m)^# vrrp:row((?: \d+)+)$`)
	tagLike   = regexp.MustCompile(`(?m)^\s*(?://|#)\s*vrrp:\s*rows?\b.*$`)
)

// findTags reads the tags of every test in the repository: directives in the
// doc comments of test functions, comments in the conversations that tests
// read. Anything else that looks like a tag is an error.
func findTags(root string) (tags, error) {
	found := tags{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && file != root {
				return filepath.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		conversation := strings.Contains(name, "testdata/") && strings.HasSuffix(name, ".txt")
		if !conversation && !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if conversation {
			return found.conversation(name, string(text))
		}
		return found.source(name, string(text))
	})
	return found, err
}

func (t tags) conversation(name, text string) error {
	all := tagInText.FindAllStringSubmatch(text, -1)
	for _, m := range all {
		dir, file, _ := strings.Cut(name, "testdata/")
		t.add(m[1], strings.TrimSuffix(dir, "/"), "testdata/"+file)
	}
	return stray(name, text, len(all))
}

func (t tags) source(name, text string) error {
	if !tagLike.MatchString(text) {
		return nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	n := 0
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Doc == nil || !strings.HasPrefix(fn.Name.Name, "Test") && !strings.HasPrefix(fn.Name.Name, "Fuzz") {
			continue
		}
		for _, c := range fn.Doc.List {
			if m := tagInGo.FindStringSubmatch(c.Text); m != nil {
				n++
				t.add(m[1], name[:max(strings.LastIndexByte(name, '/'), 0)], fn.Name.Name)
			}
		}
	}
	return stray(name, text, n)
}

// stray tells of what looks like a tag and is none, or tags no test.
func stray(name, text string, good int) error {
	if like := tagLike.FindAllString(text, -1); len(like) != good {
		return fmt.Errorf("%s: %d of %q are tags of tests, want all", name, good, like)
	}
	return nil
}

// faults are rows without tests or reason, reasons that do not fit, and tags of
// no row.
func faults(rows []row, found tags) (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, n := range slices.Sorted(maps.Keys(found)) {
		if n < 1 || n > len(rows) {
			bad("%v name row %d, which there is not", found[n], n)
		}
	}
	for _, r := range rows {
		partly := strings.HasPrefix(r.reason, "partly: ")
		none := strings.HasPrefix(r.reason, "not yet: ") || strings.HasPrefix(r.reason, "does not apply: ")
		switch tested := len(found[r.number]) > 0; {
		case !tested && r.reason == "":
			bad("row %d (%s) has neither a test nor a reason", r.number, r.text)
		case r.reason != "" && !partly && !none:
			bad("row %d: the reason begins with neither partly, not yet nor does not apply", r.number)
		case tested && none:
			bad("row %d has tests, and a reason why it has none: %s", r.number, r.reason)
		case !tested && partly:
			bad("row %d has no tests that could hold it partly", r.number)
		}
	}
	return errs
}

// write makes the ledger.
func write(rows []row, found tags) string {
	var b strings.Builder
	must, tested, reasoned := 0, 0, 0
	for _, r := range rows {
		if strings.HasPrefix(r.level, "M") {
			must++
			if len(found[r.number]) > 0 {
				tested++
			} else {
				reasoned++
			}
		}
	}
	fmt.Fprintf(&b, `# Conformance

What holds each requirement of RFC 9568 (VRRPv3, with its errata), RFC 3768 (VRRPv2) and RFC 2338: the tests that
name it, or why there is none. Generated by %s from
internal/rules/rows.txt and the tags of the tests (%s); CI fails when it is not up to date,
when a row has neither, and when a tag names no row.

M must, MN must not, S should, m may, - none of these. Of %d rows with M or MN %d have tests, %d a reason.
`, "`go test ./internal/rules -run Ledger -update`", "`//vrrp:row N`", must, tested, reasoned)
	for _, r := range rows {
		if r.section != "" {
			fmt.Fprintf(&b, "\n%s\n\n| # | | Requirement | Held by |\n|---|---|---|---|\n", r.section)
		}
		var held []string
		for _, where := range slices.Sorted(maps.Keys(found[r.number])) {
			held = append(held, where+": "+strings.Join(slices.Sorted(slices.Values(found[r.number][where])), ", "))
		}
		if r.reason != "" {
			held = append(held, "*"+r.reason+"*")
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", r.number, r.level, r.text, strings.Join(held, "; "))
	}
	return b.String()
}

// What the ledger is there to find, it must find.
func TestLedgerFindsFaults(t *testing.T) {
	const good = "1 | M | one\n2 | M | two | not yet: later\n3 | S | three | partly: half\n"
	for _, c := range []struct{ rows, source, want string }{
		{good, "//vrrp:row 1 3\nfunc TestA() {}", ""},
		{good, "// Words.\n//\n//vrrp:row 1\n//vrrp:row 3\nfunc FuzzA() {}", ""},
		{good, "//vrrp:row 3\nfunc TestA() {}", "row 1 (one) has neither"},
		{good, "//vrrp:row 1\nfunc TestA() {}", "row 3 has no tests"},
		{good, "//vrrp:row 1 2 3\nfunc TestA() {}", "row 2 has tests, and a reason"},
		{good, "//vrrp:row 1 3 4\nfunc TestA() {}", "row 4, which there is not"},
		{good, "//vrrp:row 1 3\nfunc helper() {}", "want all"},
		{good, "//vrrp:row 1 3\n\nfunc TestA() {}", "want all"},
		{good, "//vrrp:rows 1 3\nfunc TestA() {}", "want all"},
		{good, "// vrrp:row 1 3\nfunc TestA() {}", "want all"},
		{good, "//vrrp:row 1,3\nfunc TestA() {}", "want all"},
		{"1 | M | one | because\n", "", "begins with neither"},
		{"2 | M | two\n", "", "want row 1"},
		{"1 | MUST | one\n", "", "want row 1"},
	} {
		rows, err := readRows(c.rows)
		found := tags{}
		err = errors.Join(err, found.source("x/a_test.go", "package a\n\n"+c.source+"\n"))
		if err == nil {
			err = errors.Join(faults(rows, found)...)
		}
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with %q: %v, want %q", c.rows, c.source, err, c.want)
		}
	}
	if err := (tags{}).conversation("vrrp/testdata/x.txt", "# vrrp:row 1\n# vrrp: row 2\n"); err == nil {
		t.Error("a misspelt tag in a conversation passes")
	}
}
