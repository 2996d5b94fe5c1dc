package mail

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const password = "s3cret of lb01"

// realServer takes mail of lb01 over TLS for whoever is not called wrong.
type realServer struct {
	mu    sync.Mutex
	mails []string // HELO, sender, recipients
}

type realSession struct {
	server *realServer
	conn   *smtp.Conn
	user   string
	line   []string
}

func (s *realServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &realSession{server: s, conn: c}, nil
}

func (s *realSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *realSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != "lb01" || pass != password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *realSession) Mail(from string, _ *smtp.MailOptions) error {
	if _, encrypted := s.conn.TLSConnectionState(); !encrypted || s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.line = []string{s.conn.Hostname(), from}
	return nil
}

func (s *realSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "wrong@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody of that name"}
	}
	s.line = append(s.line, to)
	return nil
}

func (s *realSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, strings.Join(s.line, " "))
	return err
}

func (s *realSession) Reset()        {}
func (s *realSession) Logout() error { return nil }

// listen starts a server on the loopback and returns it, its port and its
// certificate.
func listen(t *testing.T, kind TLS) (*realServer, int, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	b := &realServer{}
	s := smtp.NewServer(b)
	switch kind {
	case STARTTLS:
		s.TLSConfig = config
	case Implicit:
		l = tls.NewListener(l, config)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return b, port, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// options are those of a server that wants TLS and AUTH.
func options(kind TLS, port int, ca string) Options {
	return Options{
		Server: "localhost", Port: port, Timeout: 5 * time.Second, HELO: "lb01.example.net", From: "lb01@example.net",
		To: []string{"a@example.org", "b@example.org"}, TLS: kind, CA: ca, User: "lb01", Password: password,
	}
}

func TestMailGoesByTLSAndAUTH(t *testing.T) {
	for _, kind := range []TLS{STARTTLS, Implicit} {
		s, port, ca := listen(t, kind)
		m := New(func(err error) { t.Error(err) })
		m.Set(options(kind, port, ca))
		m.Send("one", "text")
		m.Send("two", "text")
		if lost := m.Close(10 * time.Second); lost > 0 {
			t.Errorf("%d lost", lost)
		}
		want := "lb01.example.net lb01@example.net a@example.org b@example.org"
		if !slices.Equal(s.mails, []string{want, want}) {
			t.Errorf("got %q", s.mails)
		}
	}
}

func TestRealServersRefusalOfARecipientIsKnown(t *testing.T) {
	_, port, ca := listen(t, STARTTLS)
	o := options(STARTTLS, port, ca)
	c, err := dial(&o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	var refused *permanentError
	if err := c.send(&o, letter{}, []string{"a@example.org", "wrong@example.org"}); !errors.As(err, &refused) || !refused.recipients {
		t.Errorf("%v", err)
	}
	if err := c.send(&o, letter{}, []string{"a@example.org"}); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestPasswordGoesToNobodyElse(t *testing.T) {
	for name, c := range map[string]struct {
		server TLS
		change func(*Options)
		want   string
	}{
		"no TLS":                {Plain, func(*Options) {}, "does not support STARTTLS"},
		"another certificate":   {STARTTLS, func(o *Options) { o.CA = "" }, "certificate signed by unknown authority"},
		"another name":          {STARTTLS, func(o *Options) { o.Server = "127.0.0.1" }, "cannot validate certificate for 127.0.0.1"},
		"the wrong password":    {STARTTLS, func(o *Options) { o.Password = "another s3cret" }, "535"},
		"a server without TLS":  {Plain, func(o *Options) { o.TLS = Implicit }, "tls: first record does not look like a TLS handshake"},
		"TLS where it is plain": {Implicit, func(o *Options) { o.Timeout = 300 * time.Millisecond }, "timeout"},
	} {
		s, port, ca := listen(t, c.server)
		o := options(STARTTLS, port, ca)
		c.change(&o)
		_, err := dial(&o)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || len(s.mails) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
