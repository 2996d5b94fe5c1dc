package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// notice is a licence file and what goes with it.
type notice struct {
	of        string // the module, or the part of it, as an import path
	kind      string // SPDX
	text      string
	copyright []string // the lines of it that say whose it is
	notice    string   // the NOTICE file beside it, if any
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying)(\.(md|txt))?$`)

// gather reads the licences that hold for the packages: that of the module, and any
// in the directories between the module and a package of it.
func gather(packages []linkedPackage) ([]notice, error) {
	read := map[string]bool{}
	var found []notice
	for _, p := range packages {
		for dir := p.Dir; ; dir = filepath.Dir(dir) {
			if read[dir] {
				break
			}
			read[dir] = true
			below, err := filepath.Rel(p.Module.Dir, dir)
			if err != nil || strings.HasPrefix(below, "..") {
				return nil, fmt.Errorf("%s of %s is not in %s", dir, p.Module.Path, p.Module.Dir)
			}
			here, err := licences(path.Join(p.Module.Path, filepath.ToSlash(below)), dir)
			if err != nil {
				return nil, err
			}
			found = append(found, here...)
			if dir == p.Module.Dir {
				if len(here) == 0 {
					return nil, fmt.Errorf("%s %s has no licence in %s", p.Module.Path, p.Module.Version, dir)
				}
				break
			}
		}
	}
	slices.SortFunc(found, func(a, b notice) int { return strings.Compare(a.of, b.of) })
	return found, nil
}

// licences reads those in one directory.
func licences(of, dir string) ([]notice, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []notice
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		n, err := readNotice(of, filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = append(found, n)
	}
	return found, nil
}

// A line that says whose it is: not one that speaks of copyright notices, nor the
// placeholder at the end of the Apache licence.
var copyrightLine = regexp.MustCompile(`(?i)^copyright (©|\(c\)|\d{4}).*$`)

func readNotice(of, file string) (notice, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return notice{}, err
	}
	n := notice{of: of, text: strings.ReplaceAll(string(text), "\r", "")}
	if n.kind = kind(n.text); n.kind == "" {
		return n, fmt.Errorf("%s: a licence that tools/notices does not know: read it, and see whether vrrpx may be given away with it", file)
	}
	switch text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "NOTICE")); {
	case err == nil:
		n.notice = strings.ReplaceAll(string(text), "\r", "")
	case !os.IsNotExist(err):
		return n, err
	}
	for line := range strings.Lines(n.text + "\n" + n.notice) {
		if line = strings.TrimSpace(line); copyrightLine.MatchString(line) && !slices.Contains(n.copyright, line) {
			n.copyright = append(n.copyright, line)
		}
	}
	if n.copyright == nil {
		n.copyright = []string{"the authors of " + of}
	}
	return n, nil
}

// kind is the SPDX name of a licence by the words that make it that one, "" where it
// is not one of the few that vrrpx may be given away with.
func kind(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	has := func(words string) bool { return strings.Contains(text, words) }
	switch {
	case has("GNU ") || has("Mozilla") || has("Commons"):
		return ""
	case has("Apache License Version 2.0, January 2004"), has("Licensed under the Apache License, Version 2.0"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge, to any person obtaining a copy"):
		return "MIT"
	case !has("Redistribution and use in source and binary forms, with or without modification, are permitted"):
		return ""
	case has("may be used to endorse or promote products"):
		return "BSD-3-Clause"
	}
	return "BSD-2-Clause"
}
