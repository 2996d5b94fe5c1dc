package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const trackedConf = `track_file load {
	file "/run/load"
	weight -2 reverse
	init_file 5 overwrite
}
vrrp_track_file plain {
	file /run/plain
}
vrrp_track_process web {
	process /usr/sbin/nginx -g "daemon on;"
	param_match initial
	quorum 2
	quorum_max 4
	weight 254
	delay 0.5
	fork_delay 2
}
vrrp_track_process none {
	process ftpd
	quorum_max 0
}
vrrp_instance A {
	interface eth0
	virtual_router_id 1
	no_virtual_ipaddress
	track_file {
		load
		plain weight -254
	}
	track_process {
		web weight 7 reverse
		none
	}
}
`

func TestTrackedFilesAndProcesses(t *testing.T) {
	cfg, diags := Parse("x.conf", []byte(trackedConf))
	if cfg == nil {
		t.Fatal(show(diags))
	}
	for i := range cfg.Files {
		cfg.Files[i].Pos = Pos{}
	}
	for i := range cfg.Processes {
		cfg.Processes[i].Pos = Pos{}
	}
	if want := []TrackFile{
		{Name: "load", Path: "/run/load", Weight: Weight{-2, true}, Init: true, Overwrite: true, InitValue: 5},
		{Name: "plain", Path: "/run/plain", Weight: Weight{1, false}},
	}; !reflect.DeepEqual(cfg.Files, want) {
		t.Errorf("files %+v", cfg.Files)
	}
	if want := []TrackProcess{
		{Name: "web", Path: "/usr/sbin/nginx", Params: []string{"-g", "daemon on;"}, Match: ParamsInitial, FullCommand: true,
			Weight: Weight{254, false}, Quorum: 2, QuorumMax: 4, ForkDelay: 2 * time.Second, TerminateDelay: 500 * time.Millisecond},
		{Name: "none", Path: "ftpd", Quorum: 0, QuorumMax: 0},
	}; !reflect.DeepEqual(cfg.Processes, want) {
		t.Errorf("processes %+v", cfg.Processes)
	}
	r := cfg.Routers[0]
	var weights []Weight
	for _, t := range append(r.Files, r.Processes...) {
		weights = append(weights, t.Weight)
	}
	if want := []Weight{{-2, true}, {-254, false}, {7, true}, {}}; !reflect.DeepEqual(weights, want) {
		t.Errorf("weights %v", weights)
	}
}

func TestTrackedThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"track_file f {\n}":                                                                                  "x.conf:1:1: error: track_file \"f\": file is missing",
		"track_file f {\nfile weight\n}":                                                                     `x.conf:2:6: error: file "weight": expected the absolute path`,
		"track_file f {\nfile /f\nweight 255\n}":                                                             `error: weight "255": expected a whole number from -254 to 254`,
		"track_file f {\nfile /f\ninit_file twice\n}":                                                        `3:11: error: init_file "twice": expected a number, overwrite or both`,
		"track_file f {\nfile /f\ninit_file 1000\n}":                                                         "3:11: warning: init_file 1000",
		"track_file f {\nfile /f\n}\nvrrp_track_file f {\nfile /g\n}":                                        `4:17: error: track_file "f" is defined twice, first at x.conf:1:1`,
		"vrrp_track_process p {\n}":                                                                          `error: vrrp_track_process "p": process is missing`,
		"vrrp_track_process p {\nprocess\n}":                                                                 "error: process: expected a command after it",
		"vrrp_track_process p {\nprocess x\nquorum 3\nquorum_max 2\n}":                                       "quorum 3 is above quorum_max 2",
		"vrrp_track_process p {\nprocess x\nparam_match all\n}":                                              `3:13: error: param_match "all": expected initial or partial`,
		"vrrp_track_process p {\nprocess x\ndelay 0\n}":                                                      `error: delay "0": expected seconds from 0.000001 to 3600`,
		"vrrp_track_process p {\nprocess a_name_of_16_byt\n}":                                                "warning: vrrp_track_process \"p\": no process is ever called",
		"vrrp_instance A {\ninterface eth0\ntrack_file {\nf\n}\n}":                                           `4:1: error: (A) track_file "f": there is no such track_file`,
		"vrrp_instance A {\ninterface eth0\ntrack_process {\np weight 300\n}}":                               `error: track_process "300": expected`,
		"vrrp_instance A {\ninterface eth0\ntrack_process {\np\n}\n}":                                        `4:1: error: (A) track_process "p": there is no such vrrp_track_process`,
		"track_file f {\nfile /f\n}\n" + minimal:                                                             `1:1: warning: track_file "f" is never looked at`,
		"vrrp_track_process p {\nprocess x\n}\n" + minimal:                                                   `1:1: warning: vrrp_track_process "p" is never looked at`,
		"vrrp_track_process p {\nprocess x\nweight 20\n}\n" + instance("track_process {\np\n}"):              `notice: (VI_1) when "p" alone fails the priority falls from 120 to 100`,
		"track_file f {\nfile /f\n}\nvrrp_instance A {\ninterface eth0\npriority 255\ntrack_file {\nf\n}\n}": "8:1: warning: (A) the weight of \"f\" has no effect: priority 255",
		"track_file f {\nfile /f\n}\nvrrp_instance A {\ninterface eth0\ntrack_file {\nf\nf\n}\n}":            `(A) track_file "f" is given twice`,
	} {
		if _, diags := Parse("x.conf", []byte(text)); !strings.Contains(show(diags), want) {
			t.Errorf("%q: %s\nwant %s", text, show(diags), want)
		}
	}
}
