package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMail(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "keepalived.conf")
	if err := os.WriteFile(conf, []byte(`global_defs {
	notification_email {
		admin@example.org
		root
	}
	notification_email_from lb01@example.org
	smtp_server mail.example.org 587
	smtp_connect_timeout 5
	smtp_helo_name lb01.example.org
	smtp_alert off
	smtp_alert_vrrp
	no_email_faults
	smtp_tls starttls
	smtp_auth_user lb01
	smtp_auth_password_file password
}
vrrp_instance A {
	interface eth0
	virtual_router_id 1
	no_virtual_ipaddress
}
vrrp_instance B {
	interface eth0
	virtual_router_id 2
	no_virtual_ipaddress
	smtp_alert no
}
`), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg, diags := Load(conf, "")
	if cfg == nil {
		t.Fatal(show(diags))
	}
	m := cfg.Global.Mail
	if strings.Join(m.To, " ") != "admin@example.org root" || m.From != "lb01@example.org" || m.Server != "mail.example.org" || m.Port != 587 ||
		m.Timeout != 5*time.Second || m.HELO != "lb01.example.org" || !m.NoFaults || m.TLS != MailSTARTTLS || m.User != "lb01" || m.Password.Reveal() != "s3cret" {
		t.Errorf("%+v", m)
	}
	if !cfg.Routers[0].SMTPAlert || cfg.Routers[1].SMTPAlert {
		t.Error("smtp_alert_vrrp goes before smtp_alert, and a router's own before both")
	}
	if s := fmt.Sprintf("%v %+v %#v", m, m, m); strings.Contains(s, "s3cret") {
		t.Errorf("the password is printed: %s", s)
	}
}

func TestMailThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{"open": {"x", 0o644}, "empty": {"\n", 0o600}, "good": {"x", 0o600}} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"notification_email {\nadmin@@example\n}":                                     `3:1: warning: notification_email: "admin@@example" is no mail address, and is left out`,
		"notification_email_from \"<a@b>\"":                                           `2:25: warning: notification_email_from: "<a@b>" is no mail address`,
		"smtp_alert":                                                                  "2:1: warning: smtp_alert has no effect without smtp_server",
		"smtp_server mail\nsmtp_alert_vrrp yes":                                       "warning: smtp_alert_vrrp has no effect without notification_email",
		"smtp_alert maybe":                                                            `error: smtp_alert "maybe": expected on`,
		"smtp_helo_name \"a b\"":                                                      "error: smtp_helo_name",
		"smtp_tls ssl":                                                                `2:10: error: smtp_tls "ssl": expected off or starttls or implicit`,
		"smtp_auth_user u\nsmtp_auth_password_file good":                              "error: smtp_auth_user needs smtp_tls",
		"smtp_tls starttls\nsmtp_auth_user u":                                         "3:1: error: smtp_auth: expected smtp_auth_password_file beside it",
		"smtp_tls starttls\nsmtp_auth_password_file good":                             "3:1: error: smtp_auth: expected smtp_auth_user beside it",
		"smtp_tls starttls\nsmtp_auth_user u\nsmtp_auth_password_file none":           "4:25: error: smtp_auth_password_file: cannot read",
		"smtp_tls starttls\nsmtp_auth_user u\nsmtp_auth_password_file open":           "may be opened by others than its owner",
		"smtp_tls starttls\nsmtp_auth_user u\nsmtp_auth_password_file empty":          "is empty",
		"smtp_tls implicit\nsmtp_tls_ca_file good":                                    "3:18: error: smtp_tls_ca_file: " + `"` + dir + `/good" has no certificate`,
		"smtp_tls_ca_file good":                                                       "2:1: error: smtp_tls_ca_file needs smtp_tls",
		"smtp_tls implicit\nsmtp_tls_ca_file none":                                    "no such file",
		"}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nsmtp_alert\n}\n{": "6:1: warning: (A) smtp_alert has no effect without smtp_server",
	} {
		conf := filepath.Join(dir, "keepalived.conf")
		if err := os.WriteFile(conf, []byte("global_defs {\n"+text+"\n}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, diags := Load(conf, ""); !strings.Contains(show(diags), want) {
			t.Errorf("%q: %s\nwant %s", text, show(diags), want)
		}
	}
}
