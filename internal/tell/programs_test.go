package tell

import (
	"slices"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/preflight"
)

func TestGroupProgramsAreResolved(t *testing.T) {
	p := preflight.NewPrograms(&config.Global{})
	g := config.SyncGroup{Name: "G", Notify: config.Notify{Any: config.Command{Argv: []string{"/bin/true", "x"}}}}
	tells, err := ResolveGroups(p, []config.SyncGroup{g})
	if err != nil || !slices.Equal(tells["G"].Any.Argv, []string{"/bin/true", "x"}) {
		t.Errorf("%+v: %v", tells, err)
	}
	g.Notify.Stop = config.Command{Argv: []string{"/nonexistent"}}
	if _, err := ResolveGroups(p, []config.SyncGroup{g}); err == nil {
		t.Error("a program that is not there was taken")
	}
}
