package config

import "slices"

// TrackedFiles are the files that routers track, in the order of the file.
func (c *Config) TrackedFiles() (all []TrackFile) {
	for _, f := range c.Files {
		if c.tracks(func(r *Router) []Track { return r.Files }, f.Name) {
			all = append(all, f)
		}
	}
	return all
}

// TrackedProcesses are the processes that routers track, likewise.
func (c *Config) TrackedProcesses() (all []TrackProcess) {
	for _, p := range c.Processes {
		if c.tracks(func(r *Router) []Track { return r.Processes }, p.Name) {
			all = append(all, p)
		}
	}
	return all
}

// tracks tells whether a router has that name in its list.
func (c *Config) tracks(list func(*Router) []Track, name string) bool {
	return slices.ContainsFunc(c.Routers, func(r Router) bool {
		return slices.ContainsFunc(list(&r), func(t Track) bool { return t.Name == name })
	})
}
