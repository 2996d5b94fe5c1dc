package doctor

import (
	"fmt"

	"github.com/vrrpx/vrrpx/internal/config"
)

// NameConfiguration is the name of the result of Configuration, which is no check of
// Run.
const NameConfiguration = "configuration"

// Configuration is what vrrpx check says of a file, in one result; cfg is nil where
// it has errors.
func Configuration(file string, cfg *config.Config, diags []config.Diagnostic) Result {
	r := Result{Name: NameConfiguration, Subject: file, Verdict: OK}
	count := map[config.Severity]int{}
	for _, d := range diags {
		if count[d.Severity]++; d.Severity == config.Error || d.Severity == config.Warning {
			if r.Evidence = append(r.Evidence, d.String()); len(r.Evidence) == 1 {
				r.Fix = d.Hint
			}
		}
	}
	if len(r.Evidence) > 0 && r.Fix == "" {
		r.Fix = "correct the first of these lines, and ask vrrpx check -f " + file
	}
	const most = 3
	if more := len(r.Evidence) - most; more > 0 {
		r.Evidence = append(r.Evidence[:most], fmt.Sprintf("and %d more: vrrpx check -f %s", more, file))
	}
	switch errors, warnings := count[config.Error], count[config.Warning]; {
	case cfg == nil:
		r.Verdict, r.Finding = Bad, fmt.Sprintf("%s: vrrpx does not start with it, and a reload is refused", count1(errors, "error"))
	case warnings > 0:
		r.Verdict, r.Finding = Warn, fmt.Sprintf("%s, %s", count1(len(cfg.Routers), "virtual router"), count1(warnings, "warning"))
	default:
		r.Finding = count1(len(cfg.Routers), "virtual router") + ", nothing to complain of"
	}
	if cfg != nil && cfg.Global.Namespace != "" {
		r.Evidence = append(r.Evidence, fmt.Sprintf("net_namespace %s: looked at from there with ip netns exec %s vrrpx doctor -f %s", cfg.Global.Namespace, cfg.Global.Namespace, file))
	}
	return r
}

// count1 is 1 router, 2 routers.
func count1(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
