package config

// unusedTracked finds files and processes that decide nothing.
func unusedTracked(diags *diagnostics, cfg *Config) {
	used := map[string]bool{}
	for _, r := range cfg.Routers {
		for _, t := range r.Files {
			used["track_file "+t.Name] = true
		}
		for _, t := range r.Processes {
			used["track_process "+t.Name] = true
		}
	}
	for _, f := range cfg.Files {
		if !used["track_file "+f.Name] {
			diags.warnf(f.Pos, "track_file { "+plain(f.Name)+" } in each vrrp_instance that depends on it", "track_file %s is never looked at: no router tracks it", quote(f.Name))
		}
	}
	for _, p := range cfg.Processes {
		if !used["track_process "+p.Name] {
			diags.warnf(p.Pos, "track_process { "+plain(p.Name)+" } in each vrrp_instance that depends on it", "vrrp_track_process %s is never looked at: no router tracks it", quote(p.Name))
		}
	}
}
