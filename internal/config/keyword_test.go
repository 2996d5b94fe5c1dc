package config

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// keepalivedKeywords is the list that keepalived's own source registers.
func keepalivedKeywords(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("testdata/keywords.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var words []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if !strings.HasPrefix(s.Text(), "#") {
			words = append(words, s.Text())
		}
	}
	return words
}

func TestTablesHaveEveryKeywordOfKeepalived(t *testing.T) {
	theirs := keepalivedKeywords(t)
	for _, name := range theirs {
		if len(where[name]) == 0 {
			t.Errorf("%s is in no table", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(where)) {
		if !slices.Contains(theirs, name) && !slices.Contains(ours, name) {
			t.Errorf("%s is no keyword of keepalived", name)
		}
	}
}

// ours are the keywords that keepalived does not have.
var ours = []string{"split_brain", "probe", "source", "count", "arp_probe", "action", "script_timeout", "wait_for_script", "notify_alarm",
	"smtp_tls", "smtp_tls_ca_file", "smtp_auth_user", "smtp_auth_password_file", "heartbeat",
	"vrrpx_lease", "vrrpx_pacer", "vrrpx_kernel_takeover", "vrrpx_metrics"}

// arguments make a keyword well formed, where a number is not.
var arguments = map[string]string{
	"state":                "MASTER",
	"vrrpx_lease":          "5",
	"vrrpx_pacer":          "thread",
	"vrrpx_metrics":        "127.0.0.1:9652",
	"interface":            "eth0",
	"virtual_ipaddress":    "{\n10.0.0.3\n}",
	"authentication":       "{\n}",
	"auth_type":            "PASS",
	"vrrp_instance":        "VI_9 {\ninterface eth9\nvirtual_router_id 9\nvirtual_ipaddress {\n10.0.0.9\n}\n}",
	"global_defs":          "{\n}",
	"notification_email":   "{\na@example.org\n}",
	"version":              "2",
	"vrrp_version":         "2",
	"preempt":              "",
	"nopreempt":            "",
	"accept":               "",
	"no_accept":            "",
	"garp_extra_if":        "all 5",
	"vmac_garp_intvl":      "all 5",
	"vrrp_garp_extra_if":   "all 5",
	"vrrp_vmac_garp_intvl": "all 5",
	"timer_expired_backup": "200\nnopreempt",
	"thread_timer_expired": "200\nnopreempt",
	"smtp_alert":           "on",
	"mcast_src_ip":         "10.0.0.1",
	"unicast_src_ip":       "10.0.0.1\nunicast_peer {\n10.0.0.2\n}",
	"unicast_peer":         "{\n10.0.0.2\n}",
	"check_unicast_src":    "\nunicast_peer {\n10.0.0.2\n}",
	"old_unicast_checksum": "never\nunicast_peer {\n10.0.0.2\n}",
	"mcast_dst_ip":         "224.0.0.19",
	"vrrp_mcast_group4":    "224.0.0.19",
	"vrrp_mcast_group6":    "ff02::19",
	"smtp_alert_vrrp":      "on",
	"vrrp_sync_group":      "G {\ngroup {\nVI_1\n}\n}",
	"vrrp_script":          "S {\nscript /bin/true\n}",
	"track_script":         "{\n}",
	"track_interface":      "{\neth1\n}",
	"weight":               "-5",
	"init_fail":            "",
	"virtual_server":       "10.0.0.3 80 {\nreal_server 10.0.0.7 80 {\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n}",
	"auth_hmac":            "{\n" + oneKey + "\n}",
	"key":                  "2 0123456789abcdef0123456789abcdef",
	"active_key":           "1",
	"anti_replay":          "time",
	"mode":                 "enforce",
	"split_brain":          "{\n}",
	"heartbeat":            "{\ninterface eth1\n}",
	"track_file":           "{\n}",
	"track_process":        "{\n}",
	"vrrp_track_file":      "F {\nfile /run/weight\n}",
	"vrrp_track_process":   "P {\nprocess nginx\n}",
	"notify_fifo":          "/run/x.fifo",
	"vrrp_notify_fifo":     "/run/x.fifo",
	"json_version":         "2",
	"state_dump_file":      "/tmp/x",
	"stats_dump_file":      "/tmp/x",
	"json_dump_file":       "/tmp/x",
	"virtual_server_group": "G {\n10.0.0.3 80\n}",
}

// withKeyword is a whole configuration that has one keyword in its block.
func withKeyword(block, name string, kw keyword) string {
	line := name
	if arg, ok := arguments[name]; ok {
		line += " " + arg
	} else {
		switch {
		case kw.shape == optionShape:
			line += " on"
		case kw.shape == flagShape:
		case kw.shape == namedShape:
			line += " X {\n}"
		case kw.opens != "":
			line += " {\n}"
		default:
			line += " 5"
		}
	}
	if name == "native_ipv6" {
		return strings.Replace(address("fe80::3"), "virtual_ip", name+"\nvirtual_ip", 1)
	}
	lines := map[string]string{block: line}
	router := []string{"interface eth0", "virtual_router_id 51", "virtual_ipaddress {\n10.0.0.3\n}"}
	router = slices.DeleteFunc(router, func(s string) bool { return block == "vrrp_instance" && strings.HasPrefix(s, name+" ") })
	auth := []string{"auth_type PASS", "auth_pass 1"}
	auth = slices.DeleteFunc(auth, func(s string) bool { return block != "authentication" || strings.HasPrefix(s, name+" ") })
	if block == "" && name == "track_file" {
		return "track_file F {\nfile /run/weight\n}\n" + minimal
	}
	if block == "vrrp_script" {
		return "vrrp_script S {\nscript /bin/true\n" + line + "\n}\n" + minimal
	}
	if block == "vrrp_sync_group" {
		members := "group {\nVI_1\n}\n"
		if name == "group" {
			line, members = members, ""
		}
		return "vrrp_sync_group G {\n" + members + line + "\n}\n" + minimal
	}
	if block == "auth_hmac" {
		router = append(router, "auth_hmac {\n"+strings.Replace(oneKey, "active_key 1", strings.TrimPrefix("active_key 1", name+" 1"), 1)+"\n"+line+"\n}")
	}
	return "global_defs {\n" + lines["global_defs"] + "\n}\n" + lines[""] + "\nvrrp_instance VI_1 {\n" +
		strings.Join(router, "\n") + "\n" + lines["vrrp_instance"] +
		"\nauthentication {\n" + strings.Join(auth, "\n") + "\n" + lines["authentication"] + "\n}\n}\n"
}

func TestEveryKeywordIsHonouredIgnoredOrRefused(t *testing.T) {
	for _, block := range []string{"", "global_defs", "vrrp_instance", "authentication", "auth_hmac", "vrrp_script", "vrrp_sync_group"} {
		for name, kw := range blocks[block] {
			if strings.HasPrefix(name, "smtp_tls") || strings.HasPrefix(name, "smtp_auth") {
				continue // they have tests of their own
			}
			t.Run(block+"/"+name, func(t *testing.T) {
				src := withKeyword(block, name, kw)
				cfg, diags := Parse("test.conf", []byte(src))
				text := show(diags)
				switch {
				case kw.set != nil || kw.shape.block():
					if cfg == nil || strings.Contains(text, "unknown") {
						t.Errorf("honoured, but:\n%s\n%s", text, src)
					}
				case kw.kind != nil:
					if cfg == nil || !strings.Contains(text, kw.kind.what) || !strings.Contains(text, name) {
						t.Errorf("ignored, but not with its notice:\n%s\n%s", text, src)
					}
				default:
					if cfg != nil || !strings.Contains(text, "error: "+name+" is not supported yet") || kw.hint == "" {
						t.Errorf("refused, but:\n%s\n%s", text, src)
					}
				}
			})
		}
	}
}

func TestRefusedKeywordThatAsksForNothingIsAccepted(t *testing.T) {
	for _, block := range []string{"global_defs", "vrrp_instance"} {
		for name, kw := range blocks[block] {
			for _, off := range kw.off {
				src := strings.Replace(withKeyword(block, name, kw), name+" 5", name+" "+off, 1)
				if cfg, diags := Parse("test.conf", []byte(src)); cfg == nil {
					t.Errorf("%s %s: %s", name, off, show(diags))
				}
			}
		}
	}
}

func TestKeywordsOfSkippedBlocksAreChecked(t *testing.T) {
	for block, table := range blocks {
		if _, ok := blocks[""][block]; !ok || block == "global_defs" || block == "vrrp_instance" || block == "vrrp_script" || block == "vrrp_sync_group" || block == "track_group" || block == "track_file" || block == "vrrp_track_process" {
			continue
		}
		for name := range table {
			src := block + " X {\n" + name + " 5\nnonsense 5\n}\n" + minimal
			_, diags := Parse("test.conf", []byte(src))
			text := show(diags)
			if strings.Contains(text, "test.conf:2:") || !strings.Contains(text, `unknown keyword "nonsense" in `+block) {
				t.Errorf("%s in %s:\n%s", name, block, text)
			}
		}
	}
}

// minimal is the least that can run.
const minimal = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.3/24\n}\n}\n"

// show writes diagnostics as the command line does.
func show(diags []Diagnostic) string {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.String() + "\n")
		if d.Hint != "" {
			b.WriteString("    hint: " + d.Hint + "\n")
		}
	}
	return b.String()
}
