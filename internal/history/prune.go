package history

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Recordings is the directory beside a history that the flight recorder keeps its files
// in: the two go together.
const Recordings = "flight"

// pruneMost is how many histories of network namespaces are kept, and recordingsMost how
// many octets of recordings beside them: /run is memory.
const (
	pruneMost      = 32
	recordingsMost = 64 << 20
)

// Prune removes the oldest of the histories beside dir, with the recordings beside them,
// where those are of network namespaces (netns.HistoryDir): whether a namespace is still there nobody can tell from its
// name, and a host makes thousands. One that is removed while its daemon runs begins anew.
func Prune(dir string) {
	all := filepath.Dir(dir)
	if filepath.Base(all) != "history" {
		return // the one of the host
	}
	names, _ := filepath.Glob(filepath.Join(all, "netns-*")) // the pattern is good
	age := map[string]time.Time{}
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(name, fileName)); err == nil {
			age[name] = info.ModTime()
		}
	}
	slices.SortFunc(names, func(a, b string) int { return age[b].Compare(age[a]) })
	octets := int64(0)
	for _, name := range names {
		recordings := filepath.Join(name, Recordings)
		if octets += size(recordings); octets > recordingsMost && name != dir {
			_ = os.RemoveAll(recordings)
		}
	}
	for _, name := range names[min(pruneMost, len(names)):] {
		if name == dir {
			continue
		}
		_ = os.Remove(filepath.Join(name, fileName))
		_ = os.Remove(filepath.Join(name, fileName+oldSuffix))
		_ = os.RemoveAll(filepath.Join(name, Recordings))
		_ = os.Remove(name) // fails, rightly, while anything else is in it
	}
}

// size is that of the files in a directory.
func size(dir string) (octets int64) {
	entries, _ := os.ReadDir(dir) // it may not be there
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			octets += info.Size()
		}
	}
	return octets
}
