package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	mit = "MIT License\n\nCopyright (c) 2020 A. Nother\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this software\n"
	bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted provided that:\n"
)

func TestKind(t *testing.T) {
	for text, want := range map[string]string{
		mit: "MIT",
		"  Apache License\n  Version 2.0, January 2004\n": "Apache-2.0",
		bsd: "BSD-2-Clause",
		bsd + "The name may not\nbe used; nor may be used to endorse or promote products": "BSD-3-Clause",
		"GNU GENERAL PUBLIC LICENSE":              "",
		mit + "or the GNU GENERAL PUBLIC LICENSE": "",
		"Mozilla Public License":                  "",
		"All rights reserved.":                    "",
		"":                                        "",
	} {
		if got := kind(text); got != want {
			t.Errorf("kind(%q) = %q, want %q", text, got, want)
		}
	}
}

// A tree of modules as in the cache: one of MIT with a part under BSD, one of Apache with a NOTICE.
func modules(t *testing.T, files map[string]string) []linkedPackage {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packages, err := others([]byte(strings.ReplaceAll(`
		{"ImportPath": "fmt", "Dir": "/usr/lib/go/src/fmt"}
		{"ImportPath": "ours", "Dir": "/ours", "Module": {"Path": "ours", "Dir": "/ours", "Main": true}}
		{"ImportPath": "m.org/one/in/part", "Dir": "@/one/in/part", "Module": {"Path": "m.org/one", "Version": "v1.0.0", "Dir": "@/one"}}
		{"ImportPath": "m.org/one", "Dir": "@/one", "Module": {"Path": "m.org/one", "Version": "v1.0.0", "Dir": "@/one"}}
		{"ImportPath": "m.org/two", "Dir": "@/two", "Module": {"Path": "m.org/two", "Version": "v1.0.0", "Dir": "@/two"}}`, "@", dir)))
	if err != nil || len(packages) != 3 {
		t.Fatalf("others: %v, %v", packages, err)
	}
	return packages
}

func TestGather(t *testing.T) {
	found, err := gather(modules(t, map[string]string{
		"one/LICENSE.md": mit, "one/in/part/LICENSE": "Copyright 2001 B\r\n\r\n" + bsd, "one/elsewhere/LICENSE": "not linked",
		"two/COPYING": "Apache License\nVersion 2.0, January 2004\nCopyright [yyyy] [name of copyright owner]\n", "two/NOTICE": "Two\n\nCopyright 2002 C\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	const want = `
Files: vendor/m.org/one/*
Copyright: Copyright (c) 2020 A. Nother
License: MIT
 MIT License
 .
 Copyright (c) 2020 A. Nother
 .
 Permission is hereby granted, free of charge, to any person obtaining a copy
 of this software

Files: vendor/m.org/one/in/part/*
Copyright: Copyright 2001 B
License: BSD-2-Clause
 Copyright 2001 B
 .
 Redistribution and use in source and binary forms, with or without
 modification, are permitted provided that:

Files: vendor/m.org/two/*
Copyright: Copyright 2002 C
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0;
 it is in /usr/share/doc/vrrpx/LICENSE too.
Comment: its NOTICE:
 Two
 .
 Copyright 2002 C
`
	if got := paragraphs(found); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestWhatMayNotBeGivenAwayIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":    {map[string]string{"one/LICENSE": mit, "two/README": ""}, "m.org/two v1.0.0 has no licence"},
		"a part":  {map[string]string{"one/in/part/LICENSE": mit, "two/LICENSE": mit}, "m.org/one v1.0.0 has no licence"},
		"unknown": {map[string]string{"one/LICENSE": mit, "two/LICENSE": "All rights reserved."}, "two/LICENSE: a licence that"},
	} {
		packages := modules(t, c.files)
		for _, p := range packages {
			if err := os.MkdirAll(p.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := gather(packages); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Of a program that is not of this tree there is nothing to say: of this test, for one.
func TestAnotherProgramIsRefused(t *testing.T) {
	if _, err := notices("../..", os.Args[0]); err == nil || !strings.Contains(err.Error(), "build it anew") {
		t.Errorf("the test's own program: %v", err)
	}
}
