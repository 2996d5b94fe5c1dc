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

// pruneMost is how many histories of network namespaces are kept.
const pruneMost = 32

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
