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

// serveMetrics has them served elsewhere, or nowhere. When it fails they are served
// where they were. back undoes it.
func (h *host) serveMetrics(at config.Listener) (back func(), err error) {
	x := &h.exporter
	was := x.at
	if was.Network == at.Network && was.Address == at.Address {
		x.at = at
		return func() {}, nil
	}
	h.keepMetrics(was, at)
	defer func() { h.keepMetrics(x.at) }()
	server, err := h.openMetrics(at)
	if x.server != nil && errors.Is(err, syscall.EADDRINUSE) {
		// Ours may be in the way: 127.0.0.1 and every address cannot have a port both.
		x.close()
		if server, err = h.openMetrics(at); err != nil {
			h.backToMetrics(was)
		}
	}
	if err != nil {
		return nil, err
	}
	x.close()
	x.at, x.server = at, server
	return func() { x.close(); h.backToMetrics(was) }, nil
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

// backToMetrics is for a reload that is refused. Somebody may have been quicker.
func (h *host) backToMetrics(was config.Listener) {
	h.keepMetrics(was)
	s, err := h.openMetrics(was)
	if err != nil {
		h.log.Error("metrics are not served any more: " + err.Error())
		was = config.Listener{} // the next reload tries
	}
	h.exporter = exporter{was, s}
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
