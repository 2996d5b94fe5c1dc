package testnet

import (
	"fmt"
	"net"
	"os"
)

// TCPPort finds an address of 127.0.0.1 whose port nobody has, for a test that has to
// name one, or to have it again. It is below those that the kernel gives away
// (ip_local_port_range begins at 32768), and other test processes begin to search
// elsewhere, so that it stays free.
func TCPPort(t TB) (address string) {
	t.Helper()
	const first, ports, each = 20000, 12000, 12
	for i := range ports {
		address := fmt.Sprintf("127.0.0.1:%d", first+(os.Getpid()*each+i)%ports)
		if l, err := net.Listen("tcp4", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatalf("no port of 127.0.0.1 from %d on is free", first)
	return ""
}
