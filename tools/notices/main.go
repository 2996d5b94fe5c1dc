// Command notices prints the notices of what is linked into a vrrpx: the copyright
// and the licence of each Go module in it and of Go itself, as paragraphs of a Debian
// copyright file (DEP 5). They come from the module cache that the program was built
// of, and end the copyright file of the packages: BSD and MIT want their notice to go
// with a binary, Apache-2.0 (section 4d) what a NOTICE says.
//
//	cd tools && go run ./notices [-root ..] ../bin/vrrpx        (make stage)
//
// A module without a licence, or with one that is not in the list of kind, is an
// error: nobody should find out from the package.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// golang stands where a module's import path does: Go's runtime and standard library.
const golang = "go"

func main() {
	root := flag.String("root", "..", "the top of the source tree")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "notices: error: a program is wanted, such as ../bin/vrrpx")
		os.Exit(2)
	}
	text, err := notices(*root, flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "notices: error:", err)
		os.Exit(1)
	}
	fmt.Print(text)
}

// notices returns the paragraphs for a program that was built of the tree root.
func notices(root, program string) (string, error) {
	packages, err := linked(root, program)
	if err != nil {
		return "", err
	}
	found, err := gather(packages)
	if err != nil {
		return "", err
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	own, err := readNotice(golang, filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE"))
	if err != nil {
		return "", err
	}
	return paragraphs(append(found, own)), nil
}
