package dump

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/stats"
)

// stamp is a moment as keepalived writes it.
func stamp(t time.Time) string {
	micros := t.Nanosecond() / 1000
	return fmt.Sprintf("%d.%06d (%s.%06d %d)", t.Unix(), micros, t.Format("Mon Jan _2 15:04:05"), micros, t.Year())
}

type text struct{ bytes.Buffer }

func (t *text) line(format string, a ...any) { fmt.Fprintf(t, format+"\n", a...) }

func word(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func truth(on bool) string { return word(on, "true", "false") }
func able(on bool) string  { return word(on, "enabled", "disabled") }

// seconds is a time of which keepalived knows whole seconds.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// Data is the text of keepalived.data: what is configured and how it stands.
func Data(s *Snapshot) []byte {
	var t text
	t.global(&s.Config.Global)
	t.line("------< VRRP Topology >------")
	routers := s.routers()
	for _, r := range routers {
		t.router(s, &r)
	}
	t.sockets(routers)
	t.groups(s)
	t.scripts(s, routers)
	t.interfaces(routers)
	return t.Bytes()
}

func (t *text) global(g *config.Global) {
	t.line("------< Global definitions >------")
	t.line(" Network namespace = %s", orElse(g.Namespace, "(default)"))
	t.line(" Router ID = %s", orElse(g.RouterID, hostname()))
	if g.Mail.Server != "" {
		t.line(" Smtp server = %s", g.Mail.Server)
		t.line(" Smtp server port = %d", g.Mail.Port)
		t.line(" Smtp server connection timeout = %d", seconds(g.Mail.Timeout))
	}
	if g.Mail.From != "" {
		t.line(" Email notification from = %s", g.Mail.From)
	}
	if len(g.Mail.To) > 0 {
		t.line(" Email notification to:")
		for _, to := range g.Mail.To {
			t.line("   %s", to)
		}
	}
	t.line(" VRRP IPv4 mcast group = %s", g.Group)
	t.line(" VRRP IPv6 mcast group = %s", g.Group6)
	t.line(" Gratuitous ARP delay = %d", seconds(g.GARP.MasterDelay))
	t.line(" Gratuitous ARP repeat = %d", g.GARP.MasterRepeat)
	t.line(" Gratuitous ARP refresh timer = %d", seconds(g.GARP.Refresh))
	t.line(" Gratuitous ARP refresh repeat = %d", g.GARP.RefreshRepeat)
	t.line(" Gratuitous ARP lower priority delay = %d", seconds(g.GARP.LowerDelay))
	t.line(" Gratuitous ARP lower priority repeat = %d", g.GARP.LowerRepeat)
	t.line(" Num adverts before down = %d", g.DownAdverts)
	t.line(" Gratuitous ARP for each secondary VMAC = %ds", seconds(g.Extra.Every))
	t.line(" Send advert after receive lower priority advert = %s", truth(g.LowerPriorityAdvert))
	t.line(" Send advert after receive higher priority advert = %s", truth(g.HigherPriorityAdvert))
	t.line(" Gratuitous ARP interval = %.6f", g.GARP.Interval.Seconds())
	t.line(" Gratuitous NA interval = %.6f", g.GNAInterval.Seconds())
	t.line(" VRRP default protocol version = %d", g.Version)
	t.line(" VRRP check unicast_src = %s", truth(g.CheckSource))
	t.line(" VRRP skip check advert addresses = %s", truth(g.SkipCheckAdvAddr))
	t.line(" VRRP strict mode = %s", truth(g.Strict))
	t.line(" Script security %s", able(g.ScriptSecurity))
	if g.Umask != nil {
		t.line(" umask = 0%o", *g.Umask)
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (t *text) router(s *Snapshot, r *router) {
	own, vmac := r.OwnVMAC()
	t.line(" VRRP Instance = %s", r.Name)
	t.line("   VRRP Version = %d", r.Version)
	if r.now.Group != "" {
		t.line("   Sync group = %s", r.now.Group)
	}
	if r.Family == 6 {
		t.line("   Using Native IPv6")
	}
	t.line("   State = %s", r.now.State)
	if r.now.State == "BACKUP" && r.now.Master != nil {
		t.line("   Master router = %s", r.now.Master.Address)
		t.line("   Master priority = %d", r.now.Master.Priority)
	}
	if r.Unicast() {
		t.line("   Flags:\n     Using unicast")
	} else {
		t.line("   Flags: none")
	}
	t.line("   Wantstate = %s", r.wants())
	faults, pending := 0, 0
	for _, tr := range r.now.Tracked {
		if tr.Fault {
			faults++
		}
		if tr.State == "unknown" && strings.HasPrefix(tr.Name, "script ") {
			pending++
		}
	}
	t.line("   Number of config faults = 0")
	t.line("   Number of interface and track script faults = %d", faults)
	t.line("   Number of track scripts init = %d", pending)
	t.line("   Last transition = %s", stamp(r.since()))
	if in := r.now.DeadlineIn; in != nil {
		t.line("   Read timeout = %s", stamp(s.At.Add(time.Duration(*in))))
	} else {
		t.line("   Read timeout = DISABLED")
	}
	t.line("   Master down timer = %d usecs", time.Duration(r.now.MasterDown).Microseconds())
	if vmac {
		up := slices.ContainsFunc(r.now.VMACs, func(v stats.VMAC) bool { return v.Name == own.Name && v.Up })
		t.line("   Use VMAC, i/f name %s, is_up = %s, xmit_base = %s", own.Name, truth(up), truth(r.XmitBase))
		t.line("   Interface = %s, vmac on %s", own.Name, r.Interface)
	} else {
		t.line("   Interface = %s", r.Interface)
	}
	if r.UntrackedOwn {
		t.line("   VRRP interface tracking disabled")
	}
	if r.SkipCheckAdvAddr {
		t.line("   Skip checking advert IP addresses")
	}
	if r.Strict {
		t.line("   Enforcing strict VRRP compliance")
	}
	t.line("   Using src_ip = %s", r.now.Source)
	if !r.Unicast() {
		t.line("   Multicast address %s", r.Group)
	}
	t.line("   Gratuitous ARP delay = %d", seconds(r.GARP.MasterDelay))
	t.line("   Gratuitous ARP repeat = %d", r.GARP.MasterRepeat)
	t.line("   Gratuitous ARP refresh = %d", seconds(r.GARP.Refresh))
	t.line("   Gratuitous ARP refresh repeat = %d", r.GARP.RefreshRepeat)
	t.line("   Gratuitous ARP lower priority delay = %d", seconds(r.GARP.LowerDelay))
	t.line("   Gratuitous ARP lower priority repeat = %d", r.GARP.LowerRepeat)
	t.line("   Down timer adverts = %d", r.DownAdverts)
	t.line("   Send advert after receive lower priority advert = %s", truth(r.LowerPriorityAdvert))
	t.line("   Send advert after receive higher priority advert = %s", truth(r.HigherPriorityAdvert))
	t.line("   Virtual Router ID = %d", r.VRID)
	t.line("   Priority = %d", r.Priority)
	t.line("   Effective priority = %d", r.now.Priority)
	t.line("   Total priority = %d", r.total())
	if r.Version == 2 {
		t.line("   Advert interval = %d sec", seconds(r.AdvertInterval))
	} else {
		t.line("   Advert interval = %d milli-sec", r.AdvertInterval.Milliseconds())
	}
	if every := time.Duration(r.now.LearnedInterval); r.Version == 3 && r.now.State == "BACKUP" {
		t.line("   Master advert interval = %d milli-sec", every.Milliseconds())
		t.line("   Master advert int = %.2f sec", every.Seconds())
	}
	t.line("   Accept = %s", able(r.Accept))
	t.line("   Preempt = %s", able(r.Preempt))
	if r.PreemptDelay > 0 {
		t.line("   Preempt delay = %g secs", r.PreemptDelay.Seconds())
	}
	t.line("   Promote_secondaries = disabled")
	if r.Version == 2 {
		t.line("   Authentication type = %s", map[config.AuthType]string{
			config.AuthNone: "none", config.AuthPass: "SIMPLE_PASSWORD", config.AuthAH: "IPSEC_AH",
		}[r.Auth.Type])
	}
	t.line("   Virtual IP (%d):", len(r.Addresses))
	for _, a := range r.Addresses {
		t.line("     %s", r.address(a))
	}
	if len(r.Excluded) > 0 {
		t.line("   Virtual IP Excluded :")
		for _, a := range r.Excluded {
			t.line("     %s", r.address(a))
		}
	}
	t.routing(r)
	if r.Unicast() {
		t.line("   Unicast TTL = %d", r.UnicastTTL)
		t.line("   Check unicast src : %s", word(r.CheckSource, "yes", "no"))
		t.line("   Unicast Peer :")
		for _, p := range r.Peers {
			t.line("     %s min_ttl %d max_ttl %d", p.Addr, p.MinTTL, p.MaxTTL)
		}
		t.line("   Unicast checksum compatibility = %s", word(r.now.ChecksumOld > 0, "auto", "no"))
	}
	t.tracks("interfaces", r.Interfaces)
	t.tracks("scripts", r.Scripts)
	t.line("   Using smtp notification = %s", word(r.SMTPAlert, "yes", "no"))
	t.line("   Notify deleted = %s", word(r.Notify.AsDeleted, "Deleted", "Fault"))
	t.notified(s, &r.Notify)
	t.line("   Notify priority changes = %s", truth(r.NotifyPriorityChanges))
}

// routing lists routes and rules, in iproute2's words as keepalived has them.
func (t *text) routing(r *router) {
	if len(r.Routes) > 0 {
		t.line("   Virtual Routes :")
	}
	for _, route := range r.Routes {
		t.line("     %s", route.String())
	}
	if len(r.Rules) > 0 {
		t.line("   Virtual Rules :")
	}
	for _, rule := range r.Rules {
		t.line("     %s", rule.String())
	}
}

// since is when the state last changed. What the history has of it was made a
// time of day once, and is the same in each file.
func (r *router) since() time.Time {
	if n := len(r.now.History); n > 0 {
		return r.now.History[n-1].At
	}
	return r.now.Since
}

// total is the priority before it is bounded to 1 to 254. One of 255 does not move.
func (r *router) total() int {
	n := int(r.Priority)
	if n == 255 {
		return n
	}
	for _, t := range r.now.Tracked {
		n += t.Points
	}
	return n
}

func quoted(argv []string) string { return "'" + strings.Join(argv, "' '") + "'" }

func (t *text) tracks(what string, all []config.Track) {
	if len(all) == 0 {
		return
	}
	t.line("   Tracked %s :", what)
	for _, tr := range all {
		t.line("     %s weight %d%s", tr.Name, tr.Weight.N, word(tr.Weight.Reverse, " reverse", ""))
	}
}

// address is one virtual address, as it is in the JSON file too.
func (r *router) address(a config.Address) string {
	var b strings.Builder
	if a.Prefix.IsSingleIP() {
		b.WriteString(a.Prefix.Addr().String())
	} else {
		b.WriteString(a.Prefix.String())
	}
	if a.Broadcast.IsValid() {
		fmt.Fprintf(&b, " brd %s", a.Broadcast)
	}
	if a.VMAC != "" {
		fmt.Fprintf(&b, " dev %s@%s", a.VMAC, a.Device)
	} else {
		fmt.Fprintf(&b, " dev %s", a.Device)
	}
	fmt.Fprintf(&b, " scope %s", a.Scope)
	if a.Label != "" {
		fmt.Fprintf(&b, " label %s", a.Label)
	}
	if a.Peer.IsValid() {
		fmt.Fprintf(&b, " peer %s/%d", a.Peer, a.Peer.BitLen())
	}
	if a.NoPrefixRoute {
		b.WriteString(" noprefixroute")
	}
	if a.Prefix.Addr().Is6() {
		if a.Preferred.Limited && a.Preferred.Time == 0 {
			b.WriteString(" deprecated")
		} else if a.Preferred.Limited {
			fmt.Fprintf(&b, " preferred_lft %d", seconds(a.Preferred.Time))
		} else {
			b.WriteString(" preferred_lft forever")
		}
	}
	if r.holds(a) {
		b.WriteString(" set")
	}
	return b.String()
}

func (r *router) holds(a config.Address) bool {
	return r.now.State == "MASTER" && slices.ContainsFunc(r.now.Addresses, func(h stats.Address) bool {
		return h.Present && h.Address == a.Prefix.String()
	})
}
