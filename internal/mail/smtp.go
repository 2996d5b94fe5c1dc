package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// connection is a session with a real server.
type connection struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   net.Conn
}

// dial connects, encrypts and logs in as the options say.
func dial(o *Options) (session, error) {
	c := &connection{}
	config := &tls.Config{ServerName: o.Server, MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(o.CA))
	}
	dialer := net.Dialer{Timeout: o.Timeout}
	options := []gomail.Option{
		gomail.WithPort(o.Port), gomail.WithTimeout(o.Timeout), gomail.WithHELO(o.HELO), gomail.WithTLSConfig(config),
		gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithoutNoop(), gomail.WithoutRset(),
		// Ours, so that it can be closed when what follows fails.
		gomail.WithDialContextFunc(func(ctx context.Context, network, _ string) (_ net.Conn, err error) {
			address := net.JoinHostPort(o.Server, strconv.Itoa(o.Port))
			if o.TLS == Implicit {
				c.conn, err = (&tls.Dialer{NetDialer: &dialer, Config: config}).DialContext(ctx, network, address)
			} else {
				c.conn, err = dialer.DialContext(ctx, network, address)
			}
			return c.conn, err
		}),
	}
	if o.TLS == STARTTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if o.User != "" {
		options = append(options, gomail.WithUsername(o.User), gomail.WithPassword(o.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	var err error
	if c.client, err = gomail.NewClient(o.Server, options...); err != nil {
		return nil, err
	}
	if c.smtp, err = c.client.DialToSMTPClientWithContext(context.Background()); err != nil {
		c.shut()
		return nil, err
	}
	return c, nil
}

func (c *connection) send(o *Options, l letter, to []string) error {
	m, err := compose(o, l, to)
	if err != nil {
		return &permanentError{err, false}
	}
	err = c.client.SendWithSMTPClient(c.smtp, m)
	if err == nil || m.IsDelivered() {
		return nil
	}
	var why *gomail.SendError
	if errors.As(err, &why) && why.ErrorCode() >= 500 {
		return &permanentError{err, why.Reason == gomail.ErrSMTPRcptTo}
	}
	return err
}

func (c *connection) close() {
	_ = c.client.CloseWithSMTPClient(c.smtp)
	c.shut()
}

func (c *connection) shut() {
	if c.conn != nil {
		_ = c.conn.Close() // it may be closed
	}
}

// compose makes a mail as keepalived's, with the headers that go-mail adds: To
// shows all recipients, whoever gets this copy.
func compose(o *Options, l letter, to []string) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(o.From); err != nil {
		return nil, fmt.Errorf("from %q: %w", o.From, err)
	}
	if err := m.Bcc(to...); err != nil {
		return nil, fmt.Errorf("to %q: %w", to, err)
	}
	m.SetGenHeaderPreformatted(gomail.Header(gomail.HeaderTo), recipients(o.To))
	m.Subject(l.subject)
	m.SetGenHeader(gomail.HeaderXMailer, "vrrpx")
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody is to answer
	m.SetDateWithValue(l.at)
	m.SetBodyString(gomail.TypeTextPlain, l.body+"\r\n", gomail.WithPartEncoding(encoding(l.body)))
	return m, nil
}

// recipients is the list as keepalived writes it, on several lines where it is
// long.
func recipients(to []string) string {
	var b strings.Builder
	line := len("To: ")
	for i, addr := range to {
		if i > 0 {
			b.WriteString(",")
			if line+len(addr) > 76 {
				b.WriteString("\r\n")
				line = 0
			}
			b.WriteString(" ")
		}
		b.WriteString(addr)
		line += len(addr) + 2
	}
	return b.String()
}

// encoding leaves text as it is where any server will take it.
func encoding(body string) gomail.Encoding {
	for i := range len(body) {
		if body[i] > '~' {
			return gomail.EncodingQP
		}
	}
	return gomail.NoEncoding
}
