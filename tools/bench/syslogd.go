package main

import (
	"fmt"
	"net"
	"os"
)

// syslogWord as first argument makes this program a syslog daemon.
const syslogWord = "syslogd"

// syslogd reads what is written to a /dev/log and appends it to a file, line by
// line, until it is killed. It does less than journald, so it holds up a
// writer less.
func syslogd(socket, file string) error {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	// Whoever the daemon runs as may write, as to the real one.
	if err := os.Chmod(socket, 0o666); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(f, "%s\n", buf[:n]); err != nil {
			return err
		}
	}
}
