package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
	"github.com/vrrpx/vrrpx/vrrp"
)

// visit is one Run. What is dear or must be the same for all is looked at once.
type visit struct {
	ctx  context.Context
	host Host
	Question
	name    string // of the check that is made
	results []Result

	ownLimits []byte // of this process, as it began

	looked struct{ links, status, heard bool }
	links  []Link
	err    error // of links
	st     *stats.Status
	stErr  error
	speech []heard
	ears   []string         // the interfaces that were listened at, all the time
	deafTo map[string]error // those that were not, and why
}

func (v *visit) add(r Result) {
	r.Name = v.name
	v.results = append(v.results, r)
}

func (v *visit) ok(subject, format string, a ...any) {
	v.add(Result{Verdict: OK, Subject: subject, Finding: fmt.Sprintf(format, a...)})
}

func (v *visit) skip(subject, fix, format string, a ...any) {
	v.add(Result{Verdict: Skipped, Subject: subject, Finding: fmt.Sprintf(format, a...), Fix: fix})
}

// clear says that all is well where a check has found nothing since mark results.
func (v *visit) clear(mark int, format string, a ...any) {
	if len(v.results) == mark {
		v.ok("", format, a...)
	}
}

// noRouters ends a check that needs to know the routers.
func (v *visit) noRouters() bool {
	if len(v.Routers) > 0 {
		return false
	}
	v.skip("", "vrrpx doctor -f FILE", "no configuration: which routers and interfaces it is about is not known")
	return true
}

// status is that of the running daemon, nil without one.
func (v *visit) status() *stats.Status {
	if !v.looked.status {
		v.looked.status = true
		v.st, v.stErr = v.host.Status(v.ctx)
	}
	return v.st
}

// running is a router of the running daemon.
func (v *visit) running(r *config.Router) *stats.Router {
	st := v.status()
	if st == nil {
		return nil
	}
	for i := range st.Routers {
		s := &st.Routers[i]
		if s.Interface == r.Interface && s.VRID == r.VRID && s.Family == familyName(r.Family) {
			return s
		}
	}
	return nil
}

func familyName(f uint8) string { return vrrp.Family(f).String() }

func (v *visit) allLinks() []Link {
	if !v.looked.links {
		v.looked.links = true
		v.links, v.err = v.host.Links()
	}
	return v.links
}

func (v *visit) link1(name string) (Link, bool) {
	all := v.allLinks()
	if i := slices.IndexFunc(all, func(l Link) bool { return l.Name == name }); i >= 0 {
		return all[i], true
	}
	return Link{}, false
}

func (v *visit) byIndex(index int) (Link, bool) {
	all := v.allLinks()
	if i := slices.IndexFunc(all, func(l Link) bool { return l.Index == index }); i >= 0 && index != 0 {
		return all[i], true
	}
	return Link{}, false
}

// interfaces are those on which routers speak, by name.
func (v *visit) interfaces() []string {
	names := map[string]bool{}
	for i := range v.Routers {
		names[v.Routers[i].Interface] = true
		for _, h := range v.Routers[i].Heartbeats {
			names[h.Interface] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// devices are those that have virtual addresses of a family, and these: of the
// interface, where a VMAC on it has them.
func (v *visit) devices(family uint8) (names []string, on map[string][]config.Address) {
	on = map[string][]config.Address{}
	for i := range v.Routers {
		for _, a := range v.Routers[i].All() {
			if a.Prefix.Addr().Is4() == (family == 4) {
				on[a.Device] = append(on[a.Device], a)
			}
		}
	}
	return slices.Sorted(maps.Keys(on)), on
}

// sysctl reads a number below /proc/sys/net; false when there is none.
func (v *visit) sysctl(path string) (int, bool) { return v.number("/proc/sys/net/" + path) }

// number reads a file that is one.
func (v *visit) number(path string) (int, bool) {
	b, err := v.host.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	return n, err == nil
}

// conf is a setting of an interface as it acts where the greater of it and that of
// all counts (IN_DEV_MAXCONF in include/linux/inetdevice.h), and how it is written.
func (v *visit) conf(family, device, name string) (n int, text string) {
	own, ok := v.sysctl(family + "/conf/" + device + "/" + name)
	all, _ := v.sysctl(family + "/conf/all/" + name)
	if !ok {
		return 0, ""
	}
	return max(own, all), fmt.Sprintf("net.%s.conf.%s.%s = %d, all.%s = %d", family, key(device), name, own, name, all)
}

// own is the address that a router's adverts come from; not valid when it cannot
// be told.
func (v *visit) own(r *config.Router) netip.Addr {
	if r.Source.IsValid() {
		return r.Source
	}
	l, _ := v.link1(r.Interface)
	for _, a := range l.Addresses {
		addr := a.Addr()
		if addr.Is4() == (r.Family == 4) && (r.Family == 4 || addr.IsLinkLocalUnicast()) && !virtual(v.Routers, addr) {
			return addr
		}
	}
	return netip.Addr{}
}

// virtual tells whether an address is one of the routers'.
func virtual(routers []config.Router, addr netip.Addr) bool {
	return slices.ContainsFunc(routers, func(r config.Router) bool {
		return slices.ContainsFunc(r.All(), func(a config.Address) bool { return a.Prefix.Addr() == addr })
	})
}

// kernelAt tells whether the kernel is at least of a version; true when it does not
// say.
func (v *visit) kernelAt(major, minor int) bool {
	a, rest, _ := strings.Cut(v.host.Release(), ".")
	digits := strings.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
	if digits >= 0 {
		rest = rest[:digits]
	}
	m, err := strconv.Atoi(a)
	n, err2 := strconv.Atoi(rest)
	if err != nil || err2 != nil {
		return true
	}
	return m > major || m == major && n >= minor
}

// list names some of many.
func list(names []string) string {
	const most = 5
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
