package rules

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const architecture = "../../docs/architecture.md"

// The table of docs/architecture.md has a line for every package, and none for what is
// not there: who looks for something begins at that table.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	named := tabled(string(text))
	if len(named) == 0 {
		t.Fatalf("%s has no table of packages", architecture)
	}
	for _, name := range named {
		if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
			t.Errorf("%s names %s, which is not there", architecture, name)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(scan(t))) {
		if !slices.Contains(named, pkg) {
			t.Errorf("%s has no line for package %s in \"Where things are\"", architecture, pkg)
		}
	}
}

// tabled is what is in code marks in the first cell of the table's rows.
func tabled(text string) (names []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(text, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			names = append(names, name[1])
		}
	}
	return names
}

// named is a source file in code marks, with a place in it or without.
var named = regexp.MustCompile("`([a-z_0-9/]+\\.(?:go|c|h))(?::\\w+)?`")

// A source file that a page names is there: by its path, or by the end of it.
func TestDocsNameFilesThatAreThere(t *testing.T) {
	var files []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch ext := filepath.Ext(path); {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case ext == ".go" || ext == ".c" || ext == ".h":
			files = append(files, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(pages, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			checked++
			if !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "/"+m[1]) }) {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if checked < 50 {
		t.Errorf("%d names of files were found, want those of all pages", checked)
	}
}
