package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
)

// linkedPackage is a package of a module other than ours.
type linkedPackage struct {
	ImportPath string
	Dir        string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// linked asks Go for the packages of cmd/vrrpx, for the system that the program was
// built for. The modules must be those that the program itself names: notices of
// another tree would be no notices.
func linked(root, program string) ([]linkedPackage, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Module", "./cmd/vrrpx")
	cmd.Dir, cmd.Env = root, os.Environ()
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED":
			cmd.Env = append(cmd.Env, s.Key+"="+s.Value)
		}
	}
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, &faults)
	}
	packages, err := others(out)
	if err != nil {
		return nil, err
	}
	listed := map[string]string{}
	for _, p := range packages {
		listed[p.Module.Path] = p.Module.Version
	}
	for _, m := range info.Deps {
		if listed[m.Path] != m.Version {
			return nil, fmt.Errorf("%s has %s %s in it, the tree %q: build it anew", program, m.Path, m.Version, listed[m.Path])
		}
		delete(listed, m.Path)
	}
	for path, version := range listed {
		return nil, fmt.Errorf("%s does not have %s %s in it, which the tree names: build it anew", program, path, version)
	}
	return packages, nil
}

// others reads what `go list -json` printed, less our own packages and Go's, which
// have no module.
func others(out []byte) ([]linkedPackage, error) {
	var packages []linkedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linkedPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return slices.Clip(packages), nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			packages = append(packages, p)
		}
	}
}
