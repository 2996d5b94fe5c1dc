package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/vrrpx/vrrpx/internal/doctor"
	"github.com/vrrpx/vrrpx/stats"
)

const ofTwoHosts = `vrrp_instance VI_1 {
	interface lo
	virtual_router_id 51
	@lb01 priority 150
	@lb02 priority 90
	virtual_ipaddress {
		10.0.0.3/24
	}
}
`

// The daemon was started elsewhere, for another name than the host's: the doctor
// looks at the file that runs, as it runs.
func TestDoctorTakesTheFileThatRuns(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for file, text := range map[string]string{filepath.Join(dir, "k.conf"): ofTwoHosts, filepath.Join(elsewhere, "k.conf"): "nonsense\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	l := launch{file: "k.conf", id: "lb02"}
	at, err := l.path()
	if err != nil || at != filepath.Join(dir, "k.conf") {
		t.Fatalf("k.conf is %q, %v", at, err)
	}
	runs := &doctor.System{Daemon: func(context.Context) (*stats.Status, error) {
		return &stats.Status{ConfigFile: at, ConfigID: l.id}, nil
	}}
	none := &doctor.System{Daemon: func(context.Context) (*stats.Status, error) { return nil, nil }}
	t.Chdir(elsewhere)
	for name, tc := range map[string]struct {
		host     *doctor.System
		file, id string
		priority uint8 // 100: of a host with neither name; 0: the file has errors
	}{
		"what runs":              {runs, "", "", 90},
		"what runs, for lb01":    {runs, "", "lb01", 150},
		"what runs, by its file": {runs, "../" + filepath.Base(dir) + "/k.conf", "", 90},
		"another file":           {runs, "k.conf", "", 0},
		"no daemon":              {none, at, "", 100},
		"no daemon, lb01":        {none, at, "lb01", 150},
	} {
		q, results := question(t.Context(), tc.host, tc.file, tc.id)
		var priority uint8
		if len(q.Routers) == 1 {
			priority = q.Routers[0].Priority
		}
		if priority != tc.priority || len(results) != 1 {
			t.Errorf("%s: priority %d, want %d; %+v", name, priority, tc.priority, results)
		}
	}
	if at, err := new(launch).path(); at != "" || err != nil {
		t.Errorf("without a file: %q, %v", at, err)
	}
}
