package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestGetopt(t *testing.T) {
	for _, tc := range []struct {
		args, want string // want: what was set, then "|" and the rest; or an error's text
	}{
		{"-nl -f x", "n l f=x |"},
		{"-nfx y", "n f=x | y"},
		{"-f -n", "f=-n |"},
		{"-t -n", "t= n |"},
		{"-tout -n", "t=out n |"},
		{"-nt", "n t= |"},
		{"--use-file=x --dont-fork", "f=x n |"},
		{"--use-file x", "f=x |"},
		{"--use x --dont-f", "f=x n |"},
		{"--config-test --log-console", "t= l |"},
		{"--config-test=out", "t=out |"},
		{"--log-d", "d |"},
		{"a -n b", "n | a b"},
		{"-n -- -l", "n | -l"},
		{"-", "| -"},
		{"--log", "unknown or ambiguous option --log"},
		{"--", "|"},
		{"--=x", "unknown or ambiguous option --"},
		{"--bogus", "unknown or ambiguous option --bogus"},
		{"-nz", "unknown option -z"},
		{"-f", "-f needs an argument"},
		{"--use-file", "--use-file needs an argument"},
		{"--dont-fork=1", "takes no argument"},
	} {
		var set []string
		flag := func(name string) func(string) error {
			return func(string) error { set = append(set, name); return nil }
		}
		value := func(name string) func(string) error {
			return func(arg string) error { set = append(set, name+"="+arg); return nil }
		}
		options := []option{
			{'n', "dont-fork", nothing, flag("n")}, {'l', "log-console", nothing, flag("l")}, {0, "log-detail", nothing, flag("d")},
			{'f', "use-file", anArgument, value("f")}, {'t', "config-test", maybeArgument, value("t")},
		}
		rest, err := getopt(options, strings.Fields(tc.args))
		got := strings.Join(slices.Concat(set, []string{"|"}, rest), " ")
		if err != nil {
			got = fmt.Sprint(err)
		}
		if got != tc.want && (err == nil || !strings.Contains(got, tc.want)) {
			t.Errorf("%s: %q, want %q", tc.args, got, tc.want)
		}
	}
}
