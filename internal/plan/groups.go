package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vrrpx/vrrpx/internal/config"
)

// GroupLines say what a reload does to groups, for people: apart from Lines,
// which tell only that something about them has changed.
func GroupLines(from, to []config.SyncGroup) (lines []string) {
	old := map[string]config.SyncGroup{}
	for _, g := range from {
		old[g.Name] = g
	}
	for _, g := range to {
		was, ok := old[g.Name]
		delete(old, g.Name)
		switch {
		case !ok:
			lines = append(lines, fmt.Sprintf("vrrp_sync_group %s added", g.Name))
		case !slices.Equal(was.Names(), g.Names()):
			lines = append(lines, fmt.Sprintf("vrrp_sync_group %s changed: members", g.Name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		lines = append(lines, fmt.Sprintf("vrrp_sync_group %s removed", name))
	}
	return lines
}
