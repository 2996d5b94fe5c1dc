package dump

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
)

// The fields of keepalived's JSON, in its order. Some flags are numbers and
// some are booleans there, so they are here.
type jsonData struct {
	Name             string      `json:"iname"`
	UntrackedOwn     int         `json:"dont_track_primary"`
	SkipCheck        int         `json:"skip_check_adv_addr"`
	Strict           int         `json:"strict_mode"`
	VMAC             string      `json:"vmac_ifname"`
	Interface        string      `json:"ifp_ifname"`
	MasterPriority   uint8       `json:"master_priority"`
	LastTransition   json.Number `json:"last_transition"`
	GARPDelay        int64       `json:"garp_delay"`
	GARPRefresh      int64       `json:"garp_refresh"`
	GARPRepeat       int         `json:"garp_rep"`
	GARPRefreshRep   int         `json:"garp_refresh_rep"`
	GARPLowerDelay   int64       `json:"garp_lower_prio_delay"`
	GARPLowerRepeat  int         `json:"garp_lower_prio_rep"`
	LowerNoAdvert    int         `json:"lower_prio_no_advert"`
	HigherSendAdvert int         `json:"higher_prio_send_advert"`
	VRID             uint8       `json:"vrid"`
	BasePriority     uint8       `json:"base_priority"`
	Priority         uint8       `json:"effective_priority"`
	VIPSet           bool        `json:"vipset"`
	Promote          bool        `json:"promote_secondaries"`
	Interval         float64     `json:"adver_int"`
	MasterInterval   float64     `json:"master_adver_int"`
	Accept           int         `json:"accept"`
	NoPreempt        bool        `json:"nopreempt"`
	PreemptDelay     float64     `json:"preempt_delay"`
	State            int         `json:"state"`
	WantState        int         `json:"wantstate"`
	Version          uint8       `json:"version"`
	SMTPAlert        bool        `json:"smtp_alert"`
	NotifyDeleted    bool        `json:"notify_deleted"`
	ScriptBackup     string      `json:"script_backup,omitempty"`
	ScriptMaster     string      `json:"script_master,omitempty"`
	ScriptFault      string      `json:"script_fault,omitempty"`
	ScriptStop       string      `json:"script_stop,omitempty"`
	Script           string      `json:"script,omitempty"`
	ScriptLower      string      `json:"script_master_rx_lower_pri,omitempty"`
	VIPs             []string    `json:"vips,omitempty"`
	EVIPs            []string    `json:"evips,omitempty"`
	VRoutes          []string    `json:"vroutes,omitempty"`
	VRules           []string    `json:"vrules,omitempty"`
	TrackInterface   []string    `json:"track_ifp,omitempty"`
	TrackScript      []string    `json:"track_script,omitempty"`
	AuthType         int         `json:"auth_type"`
	AuthData         string      `json:"auth_data,omitempty"`
}

type jsonStats struct {
	Received     uint64 `json:"advert_rcvd"`
	Sent         uint64 `json:"advert_sent"`
	Became       uint64 `json:"become_master"`
	Released     uint64 `json:"release_master"`
	Length       uint64 `json:"packet_len_err"`
	Interval     uint64 `json:"advert_interval_err"`
	TTL          uint64 `json:"ip_ttl_err"`
	Type         uint64 `json:"invalid_type_rcvd"`
	Address      uint64 `json:"addr_list_err"`
	AuthType     uint64 `json:"invalid_authtype"`
	AuthMismatch uint64 `json:"authtype_mismatch"`
	AuthFailure  uint64 `json:"auth_failure"`
	ZeroReceived uint64 `json:"pri_zero_rcvd"`
	ZeroSent     uint64 `json:"pri_zero_sent"`
}

type jsonRouter struct {
	Data  jsonData  `json:"data"`
	Stats jsonStats `json:"stats"`
}

// keepalived's numbers of the states.
var states = map[string]int{"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// JSON is the text of keepalived.json: a list of routers, with json_version 2
// an object that has the list. It ends without a newline, as keepalived's does.
func JSON(s *Snapshot, base Base) ([]byte, error) {
	commands := map[string]config.Command{}
	for _, c := range s.Config.Scripts {
		commands[c.Name] = c.Command
	}
	all := []jsonRouter{}
	for _, r := range s.routers() {
		all = append(all, r.json(base[r.Name], commands))
	}
	if s.Config.Global.JSONVersion == 2 {
		return json.Marshal(struct {
			VRRP []jsonRouter `json:"vrrp"`
		}{all})
	}
	return json.Marshal(all)
}

func (r *router) json(base Counts, commands map[string]config.Command) jsonRouter {
	d := jsonData{
		Name: r.Name, UntrackedOwn: bit(r.UntrackedOwn), SkipCheck: bit(r.SkipCheckAdvAddr), Strict: bit(r.Strict),
		Interface: r.Interface, LastTransition: micros(r.since()),
		GARPDelay: seconds(r.GARP.MasterDelay), GARPRefresh: seconds(r.GARP.Refresh),
		GARPRepeat: r.GARP.MasterRepeat, GARPRefreshRep: r.GARP.RefreshRepeat,
		GARPLowerDelay: seconds(r.GARP.LowerDelay), GARPLowerRepeat: r.GARP.LowerRepeat,
		LowerNoAdvert: bit(!r.LowerPriorityAdvert), HigherSendAdvert: bit(r.HigherPriorityAdvert),
		VRID: r.VRID, BasePriority: r.Priority, Priority: r.now.Priority, VIPSet: r.now.State == "MASTER",
		Interval: r.AdvertInterval.Seconds(), MasterInterval: time.Duration(r.now.LearnedInterval).Seconds(),
		Accept: bit(r.Accept), NoPreempt: !r.Preempt, PreemptDelay: r.PreemptDelay.Seconds(),
		State: states[r.now.State], WantState: states[r.wants()], Version: r.Version,
		ScriptBackup: program(r.Notify.Backup), ScriptMaster: program(r.Notify.Master), ScriptFault: program(r.Notify.Fault),
		ScriptStop: program(r.Notify.Stop), Script: program(r.Notify.Any), ScriptLower: program(r.Notify.MasterHearsLower),
		AuthType: int(r.Auth.Type), SMTPAlert: r.SMTPAlert, NotifyDeleted: r.Notify.AsDeleted,
	}
	if r.Auth.Type != config.AuthNone {
		d.AuthData = "********"
	}
	if own, ok := r.OwnVMAC(); ok {
		d.VMAC, d.Interface = own.Name, own.Name
	}
	if m := r.now.Master; m != nil && r.now.State == "BACKUP" {
		d.MasterPriority = m.Priority
	}
	for _, a := range r.Addresses {
		d.VIPs = append(d.VIPs, r.address(a))
	}
	for _, a := range r.Excluded {
		d.EVIPs = append(d.EVIPs, r.address(a))
	}
	for _, route := range r.Routes {
		d.VRoutes = append(d.VRoutes, route.String())
	}
	for _, rule := range r.Rules {
		d.VRules = append(d.VRules, rule.String())
	}
	for _, t := range r.Interfaces {
		d.TrackInterface = append(d.TrackInterface, t.Name)
	}
	for _, t := range r.Scripts {
		d.TrackScript = append(d.TrackScript, program(commands[t.Name]))
	}
	c := CountsOf(&r.now).since(base)
	return jsonRouter{d, jsonStats{
		c.Received, c.Sent, c.BecameMaster, c.ReleasedMaster, c.Length, c.Interval, c.TTL, c.Type, c.Address,
		c.AuthType, c.AuthMismatch, c.AuthFailure, c.ZeroReceived, c.ZeroSent,
	}}
}

func program(c config.Command) string {
	if len(c.Argv) == 0 {
		return ""
	}
	return quoted(c.Argv)
}

func micros(t time.Time) json.Number {
	return json.Number(fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000))
}
