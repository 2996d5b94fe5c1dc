// Package flight is the flight recorder: for each virtual router the inputs that
// its machine was stepped with and the effects that came out, with their stamps, in
// memory of a fixed size. vrrp.Machine is pure, so that a recording can be stepped
// again, and does the same (Replay).
//
// The event loop writes (Ring) and allocates nothing in it. Everything else is for
// other goroutines, which get a copy of the bytes: Read makes records of them,
// Write a pcapng file that Wireshark opens, ReadFile makes the same records of that.
//
// Passwords are in no recording: of an advert everything but the octets of its
// authentication is kept, which the machine does not look at.
package flight
