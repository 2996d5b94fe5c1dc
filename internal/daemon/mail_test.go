package daemon

import (
	"slices"
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/tell"
	"github.com/vrrpx/vrrpx/vrrp"
)

// postbox notes mails.
type postbox []string

func (p *postbox) Send(subject, body string) { *p = append(*p, subject+" | "+body) }

func TestMailsAreKeepalivedsAndNoneIsRepeated(t *testing.T) {
	var got postbox
	l := tell.NewLetters(&got)
	l.Set(&config.Global{RouterID: "lb01"})
	g := newRig(t, true, nil)
	g.r.out.news.Letters = l
	g.down(37 * ms)
	g.round(37 * ms)
	if len(got) > 0 {
		t.Errorf("without smtp_alert: %q", got)
	}
	g.r.cfg.SMTPAlert = true
	g.r.step(g.at(38*ms), vrrp.Fault{Cause: "x", Active: true})
	g.r.step(g.at(39*ms), vrrp.Fault{Cause: "x"})
	g.down(200 * ms)
	g.round(200 * ms)
	l.Set(&config.Global{RouterID: "lb01", Mail: config.Mail{NoFaults: true}})
	g.r.step(g.at(201*ms), vrrp.Fault{Cause: "x", Active: true})
	g.r.step(g.at(202*ms), vrrp.Shutdown{})
	l.Instance("VI_1", "STOP")
	l.Instance("VI_1", "DELETED")
	for _, s := range []string{"BACKUP", "MASTER", "MASTER", "STOP"} {
		l.Group("G", s)
	}
	want := []string{
		"[lb01] VRRP Instance VI_1 - Entering FAULT state | => VRRP Instance is no longer owning VRRP VIPs <=",
		"[lb01] VRRP Instance VI_1 - Entering BACKUP state | => VRRP Instance is no longer owning VRRP VIPs <=",
		"[lb01] VRRP Instance VI_1 - Entering MASTER state | => VRRP Instance is now owning VRRP VIPs <=",
		"[lb01] VRRP Instance VI_1 - Stopping | => VRRP Instance stopping <=",
		"[lb01] VRRP Instance VI_1 - Deleted | => VRRP Deleted at reload <=",
		"[lb01] VRRP Group G - Entering BACKUP state | => All VRRP group instances are now in BACKUP state <=",
		"[lb01] VRRP Group G - Entering MASTER state | => All VRRP group instances are now in MASTER state <=",
		"[lb01] VRRP Group G - Stopping | => All VRRP group instances are now stopping <=",
	}
	if !slices.Equal(got, want) {
		t.Errorf("sent %q\nwant %q", got, want)
	}
}
