package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

func (v *visit) daemon() {
	mark := len(v.results)
	st := v.status()
	if errors.Is(v.stErr, fs.ErrPermission) {
		v.skip("", "run it as root", "whether a vrrpx runs here may not be asked: %v", v.stErr)
		return
	}
	if v.stErr != nil {
		v.add(Result{Verdict: Warn, Finding: "a vrrpx runs here and does not answer", Evidence: []string{v.stErr.Error()},
			Fix: "vrrpx status; if it hangs, its log and systemctl status vrrpx"})
	}
	v.rivals()
	if st == nil {
		v.clear(mark, "no vrrpx runs here, and no other VRRP daemon that is known")
		return
	}
	for _, r := range st.Routers {
		for _, a := range r.AlarmList {
			kind, _, _ := strings.Cut(a.Kind, ":") // a line's name follows
			verdict, known := alarmVerdicts[kind]
			if !known {
				verdict = Warn
			}
			v.add(Result{Verdict: verdict, Subject: r.Name, Finding: fmt.Sprintf("vrrpx raises an alarm, %s: %s", a.Kind, a.Text),
				Evidence: []string{"since " + a.Since.Format("2006-01-02 15:04:05")}, Fix: alarmFix(a.Kind)})
		}
	}
	for _, f := range st.FIFOs {
		if f.Problem != "" {
			v.add(Result{Verdict: Warn, Subject: f.Path, Finding: "nobody is told of transitions by it: " + f.Problem, Evidence: []string{fmt.Sprintf("%d lines lost", f.Dropped)},
				Fix: "start the program that is to read it"})
		}
	}
	if m := st.Mail; m != nil && m.Problem != "" {
		v.add(Result{Verdict: Warn, Subject: m.Server, Finding: "mails about transitions wait: " + m.Problem, Evidence: []string{fmt.Sprintf("%d wait, %d dropped", m.Waiting, m.Dropped)},
			Fix: "let the mail server take them from this host"})
	}
	if l := st.Reload; l != nil && !l.OK {
		v.add(Result{Verdict: Warn, Finding: "the last reload was refused: what runs is not what the file says", Evidence: []string{l.Error}, Fix: "vrrpx check -f " + st.ConfigFile + ", then vrrpx reload"})
	}
	v.clear(mark, "vrrpx %s (pid %d) runs, without an alarm", st.Version, st.PID)
}

// alarmVerdicts are those of alarms that keep a router from working, and of those
// that do no harm; of others it is Warn.
var alarmVerdicts = map[string]Verdict{
	"two_masters": Bad, "address_conflict": Bad, "vrrp_lost": Bad, "yielded": Bad, "fence_failed": Bad, "auth_refused": Bad, "not_heard": Bad,
	"interval_differs": Note, "auth_remark": Note,
}

func alarmFix(kind string) string {
	return "docs/split-brain.md has what each alarm means; vrrpx status shows what " + kind + " is made of"
}

// others are daemons that would take the same addresses.
var others = map[string]string{
	"keepalived": "systemctl disable --now keepalived",
	"vrrpd":      "take the VRRP lines out of FRR's configuration",
	"ucarp":      "stop it",
	"uvrrpd":     "stop it",
}

// leavesVRRPAlone tells of a process that is called keepalived: it is LVS's alone, which
// may run beside vrrpx, or vrrpx itself by that name, which does not answer.
func (v *visit) leavesVRRPAlone(dir string) bool {
	exe, _ := v.host.Readlink(dir + "/exe")
	if self, err := v.host.Readlink("/proc/self/exe"); err == nil && strings.TrimSuffix(exe, " (deleted)") == self {
		return true
	}
	b, _ := v.host.ReadFile(dir + "/cmdline")
	arguments := strings.Split(string(b), "\x00")
	return slices.Contains(arguments, "--check") || slices.Contains(arguments, "-C")
}

// rivals looks for other daemons of VRRP and CARP in our network namespace.
func (v *visit) rivals() {
	here, err := v.host.Readlink("/proc/self/ns/net")
	if err != nil {
		return
	}
	seen := map[string]bool{}
	for _, file := range v.host.Glob("/proc/[0-9]*/comm") {
		b, err := v.host.ReadFile(file)
		name := strings.TrimSpace(string(b))
		fix, other := others[name]
		if err != nil || !other || seen[name] {
			continue
		}
		dir := filepath.Dir(file)
		if ns, err := v.host.Readlink(dir + "/ns/net"); err != nil || ns != here {
			continue
		}
		if name == "keepalived" && v.leavesVRRPAlone(dir) {
			continue
		}
		if st := v.status(); st != nil && filepath.Base(dir) == fmt.Sprint(st.PID) {
			continue // ours, by that name
		}
		seen[name] = true
		v.add(Result{Verdict: Warn, Subject: name, Finding: name + " runs on this host too: with a VRID or an address in common each takes it from the other",
			Evidence: []string{fmt.Sprintf("pid %s, in the same network namespace", filepath.Base(dir))}, Fix: fix})
	}
}
