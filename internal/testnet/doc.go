// Package testnet makes hosts on a LAN out of network namespaces, for the
// project's tests and for the vrrpx demo. It speaks netlink itself and needs
// no ip program. Nothing leaves the machine: no namespace it makes has a link
// to anywhere else.
package testnet
