// Package vrrp is the protocol and nothing else: the packet codec, the state
// machine and its timer formulas for VRRPv2 (RFC 3768) and VRRPv3 (RFC 9568).
//
// It is pure. It reads no clock, opens no socket, starts no goroutine, draws no
// random number and writes no log: inputs come in with the instant at which
// they happened, ordered effects go out. A test holds its imports to that.
package vrrp
