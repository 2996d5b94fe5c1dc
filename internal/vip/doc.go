// Package vip keeps a host's virtual addresses as they are wanted, and tells
// what happens to its links and addresses.
//
// Callers say what should be (Declare, Hold, Release) and never wait for the
// kernel: one goroutine of the Manager makes it so, one sendmsg for all the
// addresses of a router, and another watches the links. What the host has is
// known from rtnetlink's notifications alone; the kernel queues those of a
// request before it answers the request, so after each request the picture is
// exact, and nobody has to guess which of two messages is the older.
//
// The package knows nothing of VRRP: an owner is a name that holds addresses.
package vip
