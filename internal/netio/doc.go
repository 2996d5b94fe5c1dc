// Package netio touches the wire from user space: it sends adverts and
// gratuitous ARPs, keeps the adverts of every MASTER on their schedule, holds
// the group memberships, and hears adverts where XDP does not. It knows frames
// and instants; of routers it knows no more than a name.
package netio

// Transmitter sends one Ethernet frame without waiting; Sender is the real
// one. It must be safe for concurrent use, must not keep the frame, and must be
// comparable with ==.
type Transmitter interface {
	Send(frame []byte) error
}

// BatchTransmitter sends many frames in their order, and tells how many of them
// were sent (Sender, RoutedSender).
type BatchTransmitter interface {
	SendAll(frames [][]byte) (sent int)
}
