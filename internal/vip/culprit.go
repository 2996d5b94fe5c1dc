package vip

import (
	"fmt"
	"os"
	"strings"
)

// portKernel is the port id in a message that no netlink request caused.
const portKernel = 0

// culprit tells for people what a notification's port id says of who asked.
//
// The kernel gives a process's first rtnetlink socket the PID as port id and
// further ones a negative number (netlink_autobind); libnl counts further ones
// in the bits above the 22 of the largest PID. So the name is what the PID has
// now: right unless that process has gone or lives in another PID namespace.
func culprit(port uint32) string {
	switch {
	case port == portKernel:
		return "the kernel, or a program that uses ioctl like ifconfig (port id 0)"
	case int32(port) < 0:
		return fmt.Sprintf("port id %d (not the first socket of a process, so netlink does not name it)", port)
	}
	comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", port&(1<<22-1)))
	if err != nil {
		return fmt.Sprintf("port id %d (a process that has already gone)", port)
	}
	return fmt.Sprintf("port id %d (%s)", port, strings.TrimSpace(string(comm)))
}
