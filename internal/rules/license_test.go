package rules

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The kernel refuses some helpers to programs that are not under the GPL, and
// others may want the C under a licence that fits theirs: so it has two, each
// source says so in its first line, and both texts are with it.
func TestKernelSourcesAreUnderTwoLicences(t *testing.T) {
	const spdx = "SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause"
	bpf := "../../bpf"
	sources := 0
	for _, pattern := range []string{"*.c", "*.h"} {
		files, err := filepath.Glob(filepath.Join(bpf, pattern))
		if err != nil {
			t.Fatal(err)
		}
		sources += len(files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := bytes.Cut(text, []byte("\n"))
			if !bytes.Contains(first, []byte(spdx)) {
				t.Errorf("%s does not begin with %q", filepath.Base(file), spdx)
			}
			if strings.HasSuffix(file, ".c") && !bytes.Contains(text, []byte(`SEC("license") = "Dual BSD/GPL"`)) {
				t.Errorf("%s does not tell the kernel its licence", filepath.Base(file))
			}
		}
	}
	if sources == 0 {
		t.Errorf("no sources in %s", bpf)
	}
	for name, phrase := range map[string]string{
		"bpf/LICENSE.BSD-2-Clause": "BSD 2-Clause License",
		"bpf/LICENSE.GPL-2.0":      "GNU GENERAL PUBLIC LICENSE\n                       Version 2",
		"LICENSE":                  "Apache License\n                           Version 2.0",
	} {
		if text, err := os.ReadFile(filepath.Join("../..", name)); err != nil || !strings.Contains(string(text), phrase) {
			t.Errorf("%s is not the text that it should be: %v", name, err)
		}
	}
}
