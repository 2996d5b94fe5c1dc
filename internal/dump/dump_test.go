package dump

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
)

func TestPaths(t *testing.T) {
	t.Setenv("TMPDIR", "")
	named := config.Files{Namespace: "red", Instance: "a"}
	used := named
	used.DataUseInstance = true
	for _, tc := range []struct {
		f    config.Files
		k    Kind
		want string
	}{
		{config.Files{}, DataFile, "/tmp/keepalived.data"},
		{config.Files{}, StatsFile, "/tmp/keepalived.stats"},
		{config.Files{}, StatsClear, "/tmp/keepalived.stats"},
		{named, JSONFile, "/tmp/keepalived.json"},
		{used, JSONFile, "/tmp/keepalived_red_a.json"},
		{config.Files{JSONDump: "/x/y"}, JSONFile, "/x/y"},
		{config.Files{StatsDump: "/x/y"}, StatsClear, "/x/y"},
		{config.Files{StateDump: "/x/y"}, StatsFile, "/tmp/keepalived.stats"},
	} {
		if got := Path(&config.Global{Files: tc.f}, tc.k); got != tc.want {
			t.Errorf("%+v, %d: %s, want %s", tc.f, tc.k, got, tc.want)
		}
	}
}

func TestClearedCountsBeginAnew(t *testing.T) {
	r := stats.Router{Name: "V", Received: 10, Sent: 3, BecameMaster: 2, Drops: map[string]uint64{"ttl": 4, "auth_data": 1, "auth_replay": 2}}
	s := &Snapshot{Config: &config.Config{Routers: []config.Router{{Name: "V"}}}, Status: &stats.Status{Routers: []stats.Router{r}}}
	if got := string(Stats(s, nil)); !strings.Contains(got, "Received: 10\n    Sent: 3\n") || !strings.Contains(got, "TTL: 4\n") || !strings.Contains(got, "Failure: 3\n") {
		t.Errorf("\n%s", got)
	}
	base := BaseOf(s)
	s.Status.Routers[0].Received = 12
	s.Status.Routers[0].Sent = 1 // a router that was removed and added
	if got := string(Stats(s, base)); !strings.Contains(got, "Received: 2\n    Sent: 1\n") || !strings.Contains(got, "TTL: 0\n") {
		t.Errorf("cleared:\n%s", got)
	}
}

func TestJSONVersions(t *testing.T) {
	s := &Snapshot{Config: &config.Config{}, Status: &stats.Status{}}
	for v, want := range map[int]string{0: "[]", 1: "[]", 2: `{"vrrp":[]}`} {
		s.Config.Global.JSONVersion = v
		if b, err := JSON(s, nil); err != nil || string(b) != want {
			t.Errorf("version %d: %s, %v", v, b, err)
		}
	}
}

func TestReplaceFollowsNoLinkAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "file")
	if err := os.WriteFile(victim, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path); err != nil {
		t.Fatal(err)
	}
	if err := replace(path, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("the link's target has %q", b)
	}
	if fi, err := os.Lstat(path); err != nil || fi.Mode() != 0o640 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replace(filepath.Join(dir, "d"), nil, 0o600); err == nil {
		t.Error("a directory was replaced")
	}
	if all, _ := os.ReadDir(dir); len(all) != 3 {
		t.Errorf("left: %v", all)
	}
}

func TestGroupsAreShown(t *testing.T) {
	c := &config.Config{Routers: []config.Router{{Name: "V1"}, {Name: "V2"}}, Groups: []config.SyncGroup{{
		Name: "G1", Members: []config.GroupMember{{Name: "V1"}, {Name: "V2"}},
	}}}
	st := &stats.Status{
		Groups: []stats.Group{{Name: "G1", State: "FAULT"}},
		Routers: []stats.Router{
			{Name: "V1", Group: "G1", State: "FAULT", Reason: "link down"},
			{Name: "V2", Group: "G1", State: "FAULT", Reason: "sync group G1: V1 is in FAULT: link down"},
		},
	}
	want := "------< VRRP Sync groups >------\n VRRP Sync Group = G1, FAULT\n   Num member fault 1, num member init 0\n   VRRP member instances :\n     V1\n     V2\n   Using smtp notification = no\n"
	got := string(Data(&Snapshot{Config: c, Status: st}))
	if !strings.Contains(got, want) || strings.Count(got, "   Sync group = G1\n") != 2 {
		t.Errorf("\n%s", got)
	}
	st.Routers[0].State, st.Routers[0].Waits = "BACKUP", "would be MASTER"
	if got := string(Data(&Snapshot{Config: c, Status: st})); !strings.Contains(got, "   State = BACKUP\n   Flags: none\n   Wantstate = MASTER\n") {
		t.Errorf("\n%s", got)
	}
}
