package rundir

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/vrrpx/vrrpx/internal/metrics"
)

// metricsName is the file that has the sockets of metrics, a list of paths in JSON:
// they may be anywhere, and the next configuration need not name them.
const metricsName = "metrics.json"

// KeepMetrics writes down at which sockets metrics are served, or about to be, for
// the cleanup after a kill. Without any there is nothing to clean up.
func KeepMetrics(runDir string, sockets ...string) error {
	file := filepath.Join(runDir, metricsName)
	if len(sockets) == 0 {
		if err := os.Remove(file); !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	b, err := json.Marshal(sockets)
	if err == nil {
		err = os.WriteFile(file+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	return err
}

// CleanupMetrics removes the sockets that KeepMetrics was told of and at which nobody
// listens, and says which. What is no socket any more stays.
func CleanupMetrics(runDir string) (gone []string) {
	file := filepath.Join(runDir, metricsName)
	var sockets []string
	if b, err := os.ReadFile(file); err == nil {
		_ = json.Unmarshal(b, &sockets) // half a file is no list: then they stay
	}
	for _, path := range sockets {
		if metrics.RemoveDead(path) == nil {
			gone = append(gone, path)
		}
	}
	_ = os.Remove(file)
	_ = os.Remove(file + ".new")
	return gone
}
