package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/loader"
)

// cost is what is lost without a feature.
var cost = map[string]string{
	loader.FeatureXDP:   "no XDP: adverts are heard by packet socket, and deadlines kept by the process",
	loader.FeatureRing:  "no XDP: adverts are heard by packet socket, and deadlines kept by the process",
	loader.FeatureTimer: "master-down deadlines are kept by the process and not by the kernel; no vrrpx_kernel_takeover",
	loader.FeatureLoop:  "no advert clock: adverts are sent by a thread, and a process that is stopped is silent at once; no vrrpx_kernel_takeover",
}

func (v *visit) kernel() {
	mark := len(v.results)
	release := v.host.Release()
	if !v.kernelAt(5, 10) {
		v.add(Result{Verdict: Warn, Finding: fmt.Sprintf("Linux %s is older than 5.10, with which vrrpx is tested at least", release),
			Evidence: []string{"uname -r: " + release}, Fix: "a kernel from 5.17 has all that vrrpx uses"})
	}
	var have, unknown []string
	loop := true
	for _, f := range v.host.Features() {
		switch {
		case f.Has:
			have = append(have, f.Name)
		case f.Err != nil:
			unknown = append(unknown, fmt.Sprintf("%s: %v", f.Name, f.Err))
		case f.Name == loader.FeatureTCX:
			v.classifier(release)
		default:
			loop = loop && f.Name != loader.FeatureLoop
			v.add(Result{Verdict: Warn, Subject: f.Name, Finding: fmt.Sprintf("Linux %s lacks %s: %s", release, f.Name, cost[f.Name]),
				Evidence: []string{"a BPF program that needs it is refused"}, Fix: "Linux " + f.Since + " or later"})
		}
	}
	if len(unknown) > 0 {
		v.skip("", "run it as root", "Linux %s; its BPF features cannot be asked for: %s", release, unknown[0])
		return
	}
	if !v.kernelAt(5, 12) {
		v.add(Result{Verdict: Note, Finding: fmt.Sprintf("Linux %s lacks BPF atomics (5.12): XDP cannot shut the advert clock for a better master, the process does", release),
			Fix: "Linux 5.12 or later"})
	}
	if b, err := v.host.ReadFile("/proc/sys/net/core/bpf_jit_enable"); err == nil && strings.TrimSpace(string(b)) == "0" {
		v.add(Result{Verdict: Warn, Finding: "BPF programs are interpreted: each advert costs several times what it has to",
			Evidence: []string{"net.core.bpf_jit_enable = 0"}, Fix: "sysctl -w net.core.bpf_jit_enable=1, and in /etc/sysctl.d"})
	}
	if loop {
		v.clockParts(release)
	}
	v.clear(mark, "Linux %s has %s", release, strings.Join(have, ", "))
}

// classifier: before tcx the advert clock is attached as a filter of cls_bpf.
func (v *visit) classifier(release string) {
	if missing := v.missingModules(release, "cls_bpf", "sch_ingress"); len(missing) > 0 {
		v.add(Result{Verdict: Warn, Subject: loader.FeatureTCX, Finding: fmt.Sprintf("Linux %s has neither tcx nor %s: %s", release, strings.Join(missing, " and "), cost[loader.FeatureLoop]),
			Evidence: []string{"not in /lib/modules/" + release}, Fix: "install the kernel's package of further modules, or Linux 6.6"})
	}
}

// clockParts looks for what the advert clock is made of. The running daemon knows.
func (v *visit) clockParts(release string) {
	if st := v.status(); st != nil {
		if !st.Pacer.Kernel {
			v.add(Result{Verdict: Warn, Subject: "advert clock", Finding: "the advert clock does not run: adverts are sent by a thread, and a process that is stopped is silent at once",
				Evidence: []string{st.Pacer.KernelReason}, Fix: "mend what it says, and restart vrrpx"})
		}
		return
	}
	if missing := v.missingModules(release, "veth", "sch_tbf"); len(missing) > 0 {
		v.add(Result{Verdict: Warn, Subject: "advert clock", Finding: fmt.Sprintf("the kernel has no %s: %s", strings.Join(missing, " and no "), cost[loader.FeatureLoop]),
			Evidence: []string{"not in /lib/modules/" + release}, Fix: "install the kernel's package of further modules"})
	}
}

// missingModules are those that are neither a part of the kernel nor modules of it;
// none where the modules cannot be listed, as in a container.
func (v *visit) missingModules(release string, names ...string) (missing []string) {
	text := ""
	for _, file := range []string{"modules.builtin", "modules.dep"} {
		b, err := v.host.ReadFile("/lib/modules/" + release + "/" + file)
		if err != nil {
			return nil
		}
		text += string(b)
	}
	for _, name := range names {
		if !strings.Contains(text, "/"+name+".ko") {
			missing = append(missing, name)
		}
	}
	return missing
}

// slowClocks are clock sources that are read by asking a device.
var slowClocks = []string{"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"}

func (v *visit) clock() {
	mark := len(v.results)
	const path = "/sys/devices/system/clocksource/clocksource0/"
	b, err := v.host.ReadFile(path + "current_clocksource")
	source := strings.TrimSpace(string(b))
	if err == nil && slices.Contains(slowClocks, source) {
		others, _ := v.host.ReadFile(path + "available_clocksource")
		v.add(Result{Verdict: Warn, Finding: fmt.Sprintf("the clock source is %s: each stamp of an advert asks a device and takes a microsecond or more, or is coarse", source),
			Evidence: []string{"available: " + strings.TrimSpace(string(others))},
			Fix:      "dmesg | grep -i clocksource says why the better one was given up; tsc=reliable on the kernel's command line where the TSC is sound"})
	}
	if i := slices.IndexFunc(v.Routers, func(r config.Router) bool { return r.HMAC != nil && !r.HMAC.Monotonic }); i >= 0 {
		switch sync, err := v.host.Synchronised(); {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			v.skip("auth_hmac", "", "whether the wall clock is kept set cannot be told: %v", err)
		case err == nil && !sync:
			v.add(Result{Verdict: Warn, Subject: v.Routers[i].Name, Finding: fmt.Sprintf("nothing keeps the wall clock set, and auth_hmac takes adverts within %v of it alone", v.Routers[i].HMAC.Window),
				Evidence: []string{"adjtimex: STA_UNSYNC"}, Fix: "run chrony or systemd-timesyncd on every host, or write anti_replay monotonic"})
		}
	}
	if source == "" {
		source = "not known"
	}
	v.clear(mark, "clock source %s", source)
}
