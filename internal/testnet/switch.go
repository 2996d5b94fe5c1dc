package testnet

// InSwitch runs f on this goroutine with its thread in the namespace of the
// bridges; that of eth0 is called br0. See Host.Do.
func (l *LAN) InSwitch(f func() error) error { return l.sw.Do(f) }
