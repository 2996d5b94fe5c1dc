package config

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// Listener is where the metrics are to be had (vrrpx_metrics, --metrics). The zero
// value is nowhere.
type Listener struct {
	Pos     Pos
	Network string // tcp, tcp4, tcp6 or unix: as net.Listen takes it, like Address
	Address string
}

// String is the address as the file has it.
func (l Listener) String() string {
	if l.Network == "unix" {
		return unixPrefix + l.Address
	}
	return l.Address
}

const (
	unixPrefix = "unix:"
	// maxSocket is how long the path of a socket may be: sun_path of unix(7) without
	// its 0.
	maxSocket = 107
)

// ListenerHint is what to write in place of an address that ParseListener refuses.
const ListenerHint = "write 127.0.0.1:9652, [::1]:9652, :9652 for every address of the host, or unix:/run/vrrpx-metrics/sock"

// ParseListener reads ADDRESS:PORT, :PORT or unix:PATH. A host name is no address:
// who is to answer for it may not do so yet when vrrpx starts.
func ParseListener(s string) (Listener, error) {
	if path, ok := strings.CutPrefix(s, unixPrefix); ok {
		if !filepath.IsAbs(path) || strings.HasSuffix(path, "/") || strings.Contains(path, "\x00") || len(path) > maxSocket {
			return Listener{}, errors.New("expected unix: and the absolute path of a socket, at most " + strconv.Itoa(maxSocket) + " bytes")
		}
		return Listener{Network: "unix", Address: filepath.Clean(path)}, nil
	}
	if port, ok := strings.CutPrefix(s, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Listener{}, errors.New("expected : and a port from 1 to 65535")
		}
		return Listener{Network: "tcp", Address: ":" + strconv.FormatUint(n, 10)}, nil
	}
	a, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		return Listener{}, errors.New("expected ADDRESS:PORT, :PORT or unix:PATH")
	case a.Port() == 0:
		return Listener{}, errors.New("expected a port from 1 to 65535 after the address")
	case a.Addr().IsMulticast() || a.Addr().Is4In6():
		return Listener{}, errors.New("expected an address that a host can have")
	case a.Addr().Is4():
		return Listener{Network: "tcp4", Address: a.String()}, nil // with tcp, 0.0.0.0 would be IPv6 too
	}
	return Listener{Network: "tcp6", Address: a.String()}, nil
}

func (in *interpreter) setMetrics(w word) {
	l, err := ParseListener(w.text)
	if err != nil {
		in.diags.errorf(w.pos, ListenerHint, "%s %s: %v", in.name, quote(w.text), err)
		return
	}
	l.Pos = w.pos
	in.global.Metrics = l
}
