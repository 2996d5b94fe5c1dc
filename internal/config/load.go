package config

// Load reads the configuration file at path and the files that it includes, for
// the host of a configuration id: the lines of others (@id) are left out. The
// diagnostics are sorted by position; the Config is nil when one of them
// is an Error.
func Load(path, id string) (*Config, []Diagnostic) {
	return LoadResting(path, id, nil)
}

// LoadResting is Load for a process that has more urgent things to do: it calls
// rest every few lines. nil: never.
func LoadResting(path, id string, rest func()) (*Config, []Diagnostic) {
	cfg, _, diags := load(path, id, rest)
	return cfg, diags
}

func load(path, id string, rest func()) (*Config, []*draft, []Diagnostic) {
	diags := newDiagnostics(path)
	files := &files{open: []string{path}, left: maxBytes, rest: rest}
	src, err := files.read(path, false)
	if err != nil {
		diags.errorf(Pos{File: path}, "name the file with -f", "cannot read the configuration: %v", err)
		return nil, nil, diags.sorted()
	}
	return parse(diags, files, id, path, src)
}

// Parse reads a configuration from memory; name stands for it in positions.
// Its configuration id is empty, and include is an Error in it. Otherwise as Load.
func Parse(name string, src []byte) (*Config, []Diagnostic) {
	diags := newDiagnostics(name)
	if len(src) > maxBytes {
		diags.errorf(Pos{File: name}, "", "the configuration is larger than %d MiB", maxBytes>>20)
		return nil, diags.sorted()
	}
	cfg, _, found := parse(diags, nil, "", name, string(src))
	return cfg, found
}

func parse(diags *diagnostics, files *files, id, name, src string) (*Config, []*draft, []Diagnostic) {
	cfg, drafts := interpret(diags, files, parseTree(diags, files, id, name, src))
	if len(drafts) == 0 && len(diags.errors) == 0 {
		diags.errorf(Pos{File: name}, "vrrp_instance VI_1 { ... } makes a router", "no vrrp_instance: expected at least one")
	}
	validate(diags, files, cfg, func(i int, keyword string) bool { return drafts[i].given(keyword) })
	if len(diags.errors) > 0 {
		return nil, nil, diags.sorted()
	}
	lint(diags, cfg)
	return cfg, drafts, diags.sorted()
}
