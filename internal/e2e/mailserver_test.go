package e2e

import (
	"context"
	"fmt"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

const mailPort = 2525

// mailServer is OpenSMTPD on a host. It takes mail for admin and root of
// example.org, and nobody else.
type mailServer struct {
	host *testnet.Host
	dir  string
	cmd  *testnet.Cmd
}

// mailServerOn prepares one; start starts it.
func mailServerOn(t *testing.T, h *testnet.Host) *mailServer {
	t.Helper()
	testnet.Need(t, "root", "smtpd", "unshare")
	s := &mailServer{host: h, dir: t.TempDir()}
	for dir := s.dir; dir != "/tmp" && dir != "/"; dir = filepath.Dir(dir) {
		must(t, os.Chmod(dir, 0o777)) // what it keeps mail with is not root
	}
	files := map[string]string{
		"keep": "#!/bin/sh\nf=$(mktemp " + s.dir + "/XXXXXX)\n{ echo \"$SENDER $RECIPIENT\"; cat; } >\"$f\"\nmv \"$f\" \"$f.mail\"\n",
		"conf": fmt.Sprintf(`table users { "admin@example.org" = nobody, "root@example.org" = nobody }
listen on %[2]s port %[3]d hostname mail.test
action "keep" mda "%[1]s/keep" virtual <users>
match from any for any action "keep"
`, s.dir, h.Addr, mailPort),
	}
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o755))
	}
	t.Cleanup(s.stop)
	return s
}

// start runs it, with a queue of its own.
func (s *mailServer) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(t, err)
	defer log.Close()
	s.cmd = s.host.Command(context.Background(), "unshare", "-m", "sh", "-c",
		"mount -t tmpfs -o mode=755 tmpfs /var/spool && mount -t tmpfs -o mode=755 tmpfs /run && exec smtpd -dv -f "+s.dir+"/conf")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	must(t, s.cmd.Start())
	await(t, "the mail server", func() (up bool) {
		_ = s.host.Do(func() error {
			c, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", s.host.Addr, mailPort), time.Second)
			if up = err == nil; up {
				c.Close()
			}
			return nil
		})
		return up
	})
}

func (s *mailServer) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // its other processes end with it
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// received is a mail as one recipient got it.
type received struct {
	envelope string // from and to
	by       string // the first Received line
	header   mail.Header
	body     string
}

// summary is what keepalived decides of a mail.
func (r received) summary(t *testing.T) string {
	t.Helper()
	from, err := r.header.AddressList("From")
	must(t, err)
	to, err := r.header.AddressList("To")
	must(t, err)
	if _, err := r.header.Date(); err != nil {
		t.Errorf("date: %v", err)
	}
	helo := strings.Fields(r.by)[1]
	return fmt.Sprintf("%s helo %s from %v to %v: %s | %s", r.envelope, helo, from, to, r.header.Get("Subject"), strings.TrimSpace(r.body))
}

// mails are those kept so far, in the order in which the server took them.
func (s *mailServer) mails(t *testing.T) (all []received) {
	t.Helper()
	names, err := filepath.Glob(s.dir + "/*.mail")
	must(t, err)
	for _, name := range names {
		b, err := os.ReadFile(name)
		must(t, err)
		envelope, rest, _ := strings.Cut(string(b), "\n")
		m, err := mail.ReadMessage(strings.NewReader(rest))
		must(t, err)
		var body strings.Builder
		_, err = fmt.Fprint(&body, readAll(t, m))
		must(t, err)
		all = append(all, received{envelope, m.Header.Get("Received"), m.Header, body.String()})
	}
	log, err := os.ReadFile(s.dir + "/log")
	must(t, err)
	order := map[string]int{}
	for i, m := range regexp.MustCompile(`smtp message msgid=(\w+)`).FindAllStringSubmatch(string(log), -1) {
		order[m[1]] = i
	}
	id := regexp.MustCompile(`id (\w+)`)
	slices.SortStableFunc(all, func(a, b received) int {
		return order[id.FindStringSubmatch(a.by)[1]] - order[id.FindStringSubmatch(b.by)[1]]
	})
	return all
}

// awaitMails waits until n have been kept.
func (s *mailServer) awaitMails(t *testing.T, n int) []received {
	t.Helper()
	if !testnet.WaitFor(patience, func() bool { return len(s.mails(t)) >= n }) {
		log, _ := os.ReadFile(s.dir + "/log")
		t.Fatalf("%d mails, want %d; the server's log:\n%s", len(s.mails(t)), n, log)
	}
	return s.mails(t)
}
