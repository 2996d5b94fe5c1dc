package preflight

import (
	"testing"

	"github.com/vrrpx/vrrpx/internal/config"
)

func TestKernelPacerIsDemanded(t *testing.T) {
	routers := []config.Router{{Name: "VI_1"}, {Name: "VI_2", Pacer: config.PacerKernel}}
	if err := KernelPacer(routers, false, "no tbf"); err == nil || err.Error() != "(VI_2) vrrpx_pacer kernel: the kernel cannot send its adverts: no tbf" {
		t.Error(err)
	}
	if err := KernelPacer(routers, true, ""); err != nil {
		t.Error(err)
	}
}
