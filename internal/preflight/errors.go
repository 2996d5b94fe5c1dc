package preflight

import (
	"errors"
	"fmt"

	"github.com/vrrpx/vrrpx/internal/config"
)

// NoInterfaceError says that a router's interface does not exist.
type NoInterfaceError struct {
	Name, Router string
	Pos          config.Pos // of the router
}

func (e *NoInterfaceError) Error() string {
	return fmt.Sprintf("interface %s of %s does not exist", e.Name, e.Router)
}

// KernelPacerError tells of a router whose adverts the kernel is to send and cannot.
type KernelPacerError struct {
	Router, Why string
	Pos         config.Pos
}

func (e *KernelPacerError) Error() string {
	return fmt.Sprintf("(%s) vrrpx_pacer kernel: the kernel cannot send its adverts: %s", e.Router, e.Why)
}

// KernelPacer finds a router that is to run with the kernel's clock or not at all,
// where there is none (why): *KernelPacerError, or nil.
func KernelPacer(routers []config.Router, kernel bool, why string) error {
	for i := range routers {
		if r := &routers[i]; r.Pacer == config.PacerKernel && !kernel {
			return &KernelPacerError{Router: r.Name, Why: why, Pos: r.PacerPos}
		}
	}
	return nil
}

// MetricsError tells that the metrics cannot be served where they are wanted.
type MetricsError struct {
	Pos   config.Pos
	Hint  string
	Cause error
}

func (e *MetricsError) Error() string { return "vrrpx_metrics: " + e.Cause.Error() }

func (e *MetricsError) Unwrap() error { return e.Cause }

// Diagnose puts an error of this host into the form of those of the file.
func Diagnose(err error) config.Diagnostic {
	d := config.Diagnostic{Severity: config.Error, Message: err.Error()}
	var missing *NoInterfaceError
	var program *ProgramError
	var kernel *KernelPacerError
	var metrics *MetricsError
	switch {
	case errors.As(err, &metrics):
		d.Pos, d.Hint = metrics.Pos, metrics.Hint
	case errors.As(err, &kernel):
		d.Pos, d.Hint = kernel.Pos, "vrrpx_pacer auto takes the kernel where it can"
	case errors.As(err, &missing):
		d.Pos, d.Hint = missing.Pos, "`ip link` lists the interfaces of this network namespace"
	case errors.As(err, &program):
		d.Pos, d.Hint, d.Message = program.Pos, program.Hint, fmt.Sprintf("%s: %v", program.What, program.Cause)
	}
	return d
}
