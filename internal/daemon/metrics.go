package daemon

import (
	"errors"
	"syscall"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/metrics"
	"github.com/vrrpx/vrrpx/internal/preflight"
	"github.com/vrrpx/vrrpx/internal/rundir"
)

// exporter is where the metrics are served (vrrpx_metrics). The start and then the
// reloader have it to themselves.
type exporter struct {
	at     config.Listener
	server *metrics.Server // nil: nowhere
}

// moved is a change of where the metrics are served. One of commit and undo is
// called, once; where was is what was served before.
type moved struct {
	h      *host
	was    exporter
	closed bool // was had to go first
}

// commit ends what was served before.
func (m *moved) commit() {
	if !m.closed {
		m.was.close()
	}
	m.h.keepMetrics(m.h.exporter.at)
}

// undo is for a reload that is refused after all.
func (m *moved) undo() {
	m.h.exporter.close()
	if m.closed {
		m.h.backToMetrics(m.was.at)
		return
	}
	m.h.exporter = m.was
	m.h.keepMetrics(m.was.at)
}

// serveMetrics has them served elsewhere, or nowhere, and still where they were
// until the change is committed. When it fails they are served where they were. A nil
// move is none.
func (h *host) serveMetrics(at config.Listener) (*moved, error) {
	x := &h.exporter
	m := &moved{h: h, was: *x}
	if x.at.Network == at.Network && x.at.Address == at.Address {
		x.at = at
		return nil, nil
	}
	h.keepMetrics(x.at, at)
	server, err := h.openMetrics(at)
	if x.server != nil && errors.Is(err, syscall.EADDRINUSE) {
		// Ours may be in the way: 127.0.0.1 and every address cannot have a port both.
		m.closed = true
		x.close()
		if server, err = h.openMetrics(at); err != nil {
			h.backToMetrics(m.was.at)
		}
	}
	if err != nil {
		h.keepMetrics(x.at)
		return nil, err
	}
	*x = exporter{at, server}
	return m, nil
}

func (h *host) openMetrics(at config.Listener) (*metrics.Server, error) {
	if at.Network == "" {
		return nil, nil
	}
	s, err := metrics.Open(at.Network, at.Address, h)
	var where *metrics.ListenError
	if errors.As(err, &where) {
		err = &preflight.MetricsError{Pos: at.Pos, Hint: where.Hint(), Cause: err}
	}
	return s, err
}

// keepMetrics writes down where a socket of ours is, or is about to be: a process that
// is killed leaves it, wherever it is.
func (h *host) keepMetrics(all ...config.Listener) {
	if h.opts.RunDir == "" {
		return
	}
	var sockets []string
	for _, at := range all {
		if at.Network == "unix" {
			sockets = append(sockets, at.Address)
		}
	}
	if err := rundir.KeepMetrics(h.opts.RunDir, sockets...); err != nil {
		h.log.Warn("the socket of the metrics may be left behind by a kill: " + err.Error())
	}
}

// endMetrics has them served nowhere.
func (h *host) endMetrics() {
	h.exporter.close()
	h.keepMetrics()
}

// backToMetrics is for where they had to be closed. Somebody may have been quicker.
func (h *host) backToMetrics(was config.Listener) {
	h.keepMetrics(was)
	s, err := h.openMetrics(was)
	if err != nil {
		h.log.Error("metrics are not served any more: " + err.Error())
		was = config.Listener{} // the next reload tries
	}
	h.exporter = exporter{was, s}
	h.keepMetrics(was)
}

func (x *exporter) close() {
	if x.server != nil {
		x.server.Close()
	}
	*x = exporter{}
}

// pacerWanted is what is to send the router's adverts by its configuration, in the
// words of pacerView. Signed ones are finished by the thread.
func (r *router) pacerWanted() string {
	if _, why := r.cfg.LeaseTime(); why != "" || r.cfg.Pacer == config.PacerThread || r.paced != nil {
		return "thread"
	}
	return "kernel clock"
}
