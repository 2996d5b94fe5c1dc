package config

import (
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	cfg, diags := Parse("f", []byte("net_namespace red\ninstance A\nuse_pid_dir\nglobal_defs {\numask IWGRP|IWOTH\njson_version 2\n"+
		"data_use_instance\nstate_dump_file /run/x/../d\n}\n"+minimal))
	if cfg == nil {
		t.Fatal(diags)
	}
	f := cfg.Global.Files
	if f.Umask == nil || *f.Umask != 0o022 {
		t.Errorf("umask %v", f.Umask)
	}
	f.Umask = nil
	want := Files{Namespace: "red", Instance: "A", PIDDir: true, DataUseInstance: true, StateDump: "/run/d", JSONVersion: 2}
	if f != want {
		t.Errorf("%+v, want %+v", f, want)
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"net_namespace ../red", "without /"},
		{"instance ..", "without /"},
		{"instance " + strings.Repeat("x", 65), "64"},
		{"global_defs {\numask 01000\n}", "0777"},
		{"global_defs {\numask 0b11\n}", "0777"},
		{"global_defs {\numask IWGRP|IWOT\n}", "names"},
		{"global_defs {\njson_dump_file x.json\n}", "absolute"},
		{"global_defs {\njson_version 3\n}", "1 or 2"},
	} {
		cfg, diags := Parse("f", []byte(tc.line+"\n"+minimal))
		if cfg != nil || len(diags) == 0 || !strings.Contains(diags[0].String(), tc.want) {
			t.Errorf("%s: %v lacks %q", tc.line, diags, tc.want)
		}
	}
}
