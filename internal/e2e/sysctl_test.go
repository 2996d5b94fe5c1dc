package e2e

import (
	"os"
	"strings"
)

// sysctlFile is a path below /proc/sys/net, which shows the network namespace
// of the thread that looks: use it within host.Do.
type sysctlFile string

func (f sysctlFile) write(value string) error {
	return os.WriteFile("/proc/sys/net/"+string(f), []byte(value), 0)
}

func (f sysctlFile) read() (string, error) {
	b, err := os.ReadFile("/proc/sys/net/" + string(f))
	return strings.TrimSpace(string(b)), err
}
