package config

import (
	"crypto/x509"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Mail says where mail about transitions goes, and how. It is sent for routers
// with SMTPAlert where To and Server are given, as with keepalived.
type Mail struct {
	To      []string      // notification_email; without @: a user of this host
	From    string        // empty: root at this host
	Server  string        // host name or address; empty: none
	Port    uint16        // 25
	Timeout time.Duration // of connecting and of each mail (smtp_connect_timeout)
	HELO    string        // smtp_helo_name; empty: this host's name
	// NoFaults leaves out FAULT (no_email_faults).
	NoFaults bool

	// What keepalived has not. CA, with TLS alone, has the certificates (PEM) that
	// the server's must be signed by; empty: those of the host. User, with TLS
	// alone, logs in with Password.
	TLS      MailTLS
	CA       string
	User     string
	Password Secret

	alert, alertVRRP *bool // smtp_alert, smtp_alert_vrrp
	password, ca     word  // the files
}

// MailTLS is whether mail is encrypted.
type MailTLS uint8

// With STARTTLS or TLS from the start the server's certificate has to be good for
// its name; else no mail is sent.
const (
	MailPlain    MailTLS = iota
	MailSTARTTLS         // port 25 or 587
	MailImplicit         // port 465
)

// alerts tells whether mail is sent for routers that do not say.
func (m *Mail) alerts() bool {
	for _, b := range []*bool{m.alertVRRP, m.alert} {
		if b != nil {
			return *b
		}
	}
	return false
}

func (in *interpreter) setEmail(s *statement) {
	if len(s.block) == 0 {
		in.diags.warnf(s.pos(), "", "notification_email: expected at least one address")
	}
	for _, line := range s.block {
		if line.hasBlock() {
			in.diags.errorf(line.open, "", "notification_email: unexpected {: expected addresses")
			continue
		}
		for _, w := range line.words {
			if addr, ok := in.mailAddress(w); ok {
				in.global.Mail.To = append(in.global.Mail.To, addr)
			}
		}
	}
}

func (in *interpreter) setEmailFrom(w word) {
	if addr, ok := in.mailAddress(w); ok {
		in.global.Mail.From = addr
	}
}

// mailAddress reads an address, or the name of a user of this host. What is
// neither cannot be mailed to by keepalived either, which does not look.
func (in *interpreter) mailAddress(w word) (string, bool) {
	text := w.text
	if !strings.Contains(text, "@") {
		text += "@localhost"
	}
	addr, err := mail.ParseAddress(text)
	if err != nil || addr.Address != text || strings.ContainsAny(text, "\r\n\x00") {
		in.diags.warnf(w.pos, "write it as admin@example.org", "%s: %s is no mail address, and is left out", in.name, quote(w.text))
		return "", false
	}
	return w.text, true
}

func (in *interpreter) setSMTPServer(s *statement) {
	in.global.Mail.Server = s.words[1].text
	if len(s.words) < 3 {
		return
	}
	if port, ok := in.wholeNumber(s.words[2], 1, 65535, " (the port)"); ok {
		in.global.Mail.Port = uint16(port)
	}
}

func (in *interpreter) setHELO(w word) {
	if w.text == "" || strings.ContainsFunc(w.text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		in.diags.errorf(w.pos, "", "smtp_helo_name %s: expected a host name", quote(w.text))
		return
	}
	in.global.Mail.HELO = w.text
}

// resolveMail reads the password and drops what cannot be, so that no password
// ever leaves this host in clear.
func (in *interpreter) resolveMail() {
	m := &in.global.Mail
	for name, given := range map[string]bool{"smtp_tls_ca_file": m.ca.text != "", "smtp_auth_user": m.User != "", "smtp_auth_password_file": m.password.text != ""} {
		if given && m.TLS == MailPlain {
			in.diags.errorf(in.seen[name], "add smtp_tls starttls, or smtp_tls implicit for port 465", "%s needs smtp_tls", name)
		}
	}
	switch file := m.password; {
	case (m.User == "") != (file.text == ""):
		at, missing := in.seen["smtp_auth_user"], "smtp_auth_password_file"
		if m.User == "" {
			at, missing = in.seen["smtp_auth_password_file"], "smtp_auth_user"
		}
		in.diags.errorf(at, "", "smtp_auth: expected %s beside it", missing)
	case file.text != "":
		text, err := in.files.key(file.pos, file.text)
		if err == nil && text == "" {
			in.diags.errorf(file.pos, "", "smtp_auth_password_file: %s is empty", quote(file.text))
		} else if err != nil {
			in.diags.errorf(file.pos, "", "smtp_auth_password_file: %v", err)
		}
		m.Password = Secret(text)
	}
	if m.ca.text != "" {
		m.CA = in.certificates(m.ca)
	}
	in.reportMail()
}

// certificates reads a file of them, relative to the file that names it.
func (in *interpreter) certificates(w word) string {
	if in.files == nil {
		in.diags.errorf(w.pos, "", "smtp_tls_ca_file is possible in a file only")
		return ""
	}
	path := w.text
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(w.pos.File), path)
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		in.diags.errorf(w.pos, "", "smtp_tls_ca_file: cannot read %s: %v", quote(path), cause(err))
	case !x509.NewCertPool().AppendCertsFromPEM(text):
		in.diags.errorf(w.pos, "PEM begins with -----BEGIN CERTIFICATE-----", "smtp_tls_ca_file: %s has no certificate", quote(path))
	}
	return string(text)
}

// reportMail tells who expects mail and will get none.
func (in *interpreter) reportMail() {
	m := &in.global.Mail
	if m.Server != "" && len(m.To) > 0 {
		return
	}
	missing := "smtp_server"
	if m.Server != "" {
		missing = "notification_email"
	}
	for name, on := range map[string]*bool{"smtp_alert": m.alert, "smtp_alert_vrrp": m.alertVRRP} {
		if on != nil && *on {
			in.diags.warnf(in.seen[name], "add "+missing+" to global_defs", "%s has no effect without %s", name, missing)
		}
	}
	for _, d := range in.drafts {
		if d.given("smtp_alert") && d.SMTPAlert {
			in.diags.warnf(d.seen["smtp_alert"], "add "+missing+" to global_defs", "(%s) smtp_alert has no effect without %s", plain(d.Name), missing)
		}
	}
}
