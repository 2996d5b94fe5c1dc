package e2e

import (
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

func readAll(t *testing.T, m *mail.Message) string {
	t.Helper()
	b, err := io.ReadAll(m.Body)
	must(t, err)
	return string(b)
}

// mailConf are global_defs that have all mail sent to a server.
func mailConf(s *mailServer) string {
	return fmt.Sprintf(`global_defs {
router_id lb01
notification_email {
admin@example.org
root@example.org
}
notification_email_from lb01@example.net
smtp_server %s %d
smtp_helo_name lb01.example.net
smtp_connect_timeout 5
smtp_alert
}
`, s.host.Addr, mailPort)
}

// mailLife is the mail about a router that becomes MASTER, fails and comes back,
// to two recipients; end stops it, and is all the mail then.
func mailLife(t *testing.T, p party) (summaries []string, end func() []received) {
	t.Helper()
	l := testnet.ForTest(t, "a", "mx")
	a, s := l.Host("a"), mailServerOn(t, l.Host("mx"))
	s.start(t)
	alive := filepath.Join(t.TempDir(), "alive")
	touch(t, alive)
	d := p.start(t, a, mailConf(s)+fileCheck(alive)+v3.conf(150, "track_script {", "check", "}"))
	s.awaitMails(t, 2*2) // BACKUP and MASTER
	must(t, os.Remove(alive))
	s.awaitMails(t, 2*3)
	touch(t, alive)
	for _, m := range s.awaitMails(t, 2*5) {
		summaries = append(summaries, m.summary(t))
	}
	return summaries, func() []received {
		must(t, d.Stop())
		return s.awaitMails(t, 2*6)
	}
}

func TestMailSaysWhatKeepalivedSays(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "smtpd")
	var ours, theirs []string
	t.Run("vrrpx", func(t *testing.T) {
		var end func() []received
		ours, end = mailLife(t, native)
		// keepalived says that it stops to a connection that it does not wait for.
		if last := end()[2*5].summary(t); !strings.HasSuffix(last, "VI_51 - Stopping | => VRRP Instance stopping <=") {
			t.Errorf("the last one is %s", last)
		}
	})
	t.Run("keepalived", func(t *testing.T) { theirs, _ = mailLife(t, keepalived) })
	var states []string
	for _, m := range ours {
		_, subject, _ := strings.Cut(m, " - ")
		states = append(states, strings.Fields(subject)[0]+" "+strings.Fields(subject)[1])
	}
	want := []string{"Entering BACKUP", "Entering MASTER", "Entering FAULT", "Entering BACKUP", "Entering MASTER"}
	for i, state := range states {
		if len(states) != 2*len(want) || state != want[i/2] {
			t.Fatalf("mails in the order %q", states)
		}
	}
	// keepalived has a connection for each mail, so theirs come in any order.
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("mails\n%s\nkeepalived's\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// Mail waits while the server is down and goes out in order, without whom the
// server will not take.
func TestMailWaitsForItsServer(t *testing.T) {
	l := testnet.ForTest(t, "a", "mx")
	a, s := l.Host("a"), mailServerOn(t, l.Host("mx"))
	d := start(t, a, "native", strings.Replace(mailConf(s), "root@", "wrong@", 1)+v3.conf(150))
	awaitState(t, a, "MASTER")
	await(t, "a problem", func() bool {
		m := status(t, a).Mail
		return m != nil && m.Waiting == 2 && strings.Contains(m.Problem, "connection refused")
	})
	s.start(t)
	got := s.awaitMails(t, 2)
	for i, state := range []string{"BACKUP", "MASTER"} {
		if m := got[i]; !strings.Contains(m.header.Get("Subject"), state) || m.envelope != "lb01@example.net admin@example.org" ||
			m.header.Get("To") != "admin@example.org, wrong@example.org" {
			t.Errorf("mail %d: %s %+v", i, m.envelope, m.header)
		}
	}
	if m := status(t, a).Mail; m.Sent != 2 || m.Waiting != 0 || m.Problem != "" {
		t.Errorf("%+v", m)
	}
	must(t, d.Stop())
	s.awaitMails(t, 3)
	if !strings.Contains(d.Log(), "to wrong@example.org was refused") {
		t.Errorf("log:\n%s", d.Log())
	}
}
