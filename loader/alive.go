package loader

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// InUseError tells that the pins of a directory are those of a process that runs.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("the pins in %s are those of a vrrpx that runs", e.Dir)
}

// inUse tells whether a program that is attached uses a map that is pinned in dir.
// Attachments end with their process, so its process lives, also where its run
// directory and its process id cannot be seen: a container may have the BPF file
// system of its host and a /run of its own. Without CAP_SYS_ADMIN, which it takes
// to look, it is false.
func inUse(dir string) bool {
	pinned := map[ebpf.MapID]bool{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		m, err := ebpf.LoadPinnedMap(filepath.Join(dir, e.Name()), nil)
		if err != nil {
			continue // no map, which is not ours to know
		}
		if info, err := m.Info(); err == nil {
			if id, ok := info.ID(); ok {
				pinned[id] = true
			}
		}
		_ = m.Close()
	}
	if len(pinned) == 0 {
		return false
	}
	it := new(link.Iterator)
	defer it.Close()
	for it.Next() {
		if uses(it.Link, pinned) {
			return true
		}
	}
	return false
}

func uses(l link.Link, maps map[ebpf.MapID]bool) bool {
	info, err := l.Info()
	if err != nil {
		return false
	}
	p, err := ebpf.NewProgramFromID(info.Program)
	if err != nil {
		return false // gone meanwhile
	}
	defer p.Close()
	pi, err := p.Info()
	if err != nil {
		return false
	}
	ids, _ := pi.MapIDs()
	for _, id := range ids {
		if maps[id] {
			return true
		}
	}
	return false
}
