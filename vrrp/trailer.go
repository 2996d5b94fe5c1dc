package vrrp

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// TrailerLen is the length of the trailer that signs an advert
// (draft-cassen-vrrp-auth-hmac, as keepalived 2.4.2 and later have it):
//
//	type 1 | key id 1 | reserved 2 | sequence 8 | HMAC-SHA256 cut to 16
//
// The sequence number is a time: seconds since 1970 in its high 32 bits, then
// 16 bits of a second, then 16 bits that count.
const TrailerLen = 28

const (
	trailerSHA256 = 1 // the one type
	trailerSeq    = 4 // offsets
	trailerHMAC   = 12
	trailerSum    = TrailerLen - trailerHMAC
	pseudoLen     = 20
)

// Trailer is what an advert says of its signature, none of it proven before
// Key.Verify.
type Trailer struct {
	KeyID uint8
	Seq   uint64
}

// TrailerOf finds the trailer of a message that Judge has accepted: Accepted,
// DropAuthMissing when it has none, or DropAuthMalformed for other octets behind
// the message, another type, or a reserved field that is not zero.
func TrailerOf(msg []byte, f Family) (Trailer, Drop) {
	if checkShape(msg, f) != Accepted {
		return Trailer{}, DropAuthMalformed
	}
	t := msg[messageLen(msg, f):]
	switch {
	case len(t) == 0:
		return Trailer{}, DropAuthMissing
	case len(t) != TrailerLen, t[0] != trailerSHA256, t[2] != 0, t[3] != 0:
		return Trailer{}, DropAuthMalformed
	}
	return Trailer{t[1], binary.BigEndian.Uint64(t[trailerSeq:])}, Accepted
}

// Key signs and verifies adverts with one secret. It is for one goroutine, and
// allocates nothing once made.
type Key struct {
	id     uint8
	mac    hash.Hash
	sum    [sha256.Size]byte
	pseudo [pseudoLen]byte
}

// NewKey makes the key of an id, 1 to 255.
func NewKey(id uint8, secret []byte) *Key {
	return &Key{id: id, mac: hmac.New(sha256.New, secret)}
}

// Sign signs packet, from its IP header on, whose last TrailerLen octets are
// kept for the trailer. The checksum over IPv6 covers the trailer and is made
// anew; over IPv4 it does not. A packet that is too short is left as it is.
func (k *Key) Sign(packet []byte, seq uint64) {
	header, f := ipv4Len, IPv4
	if len(packet) > 0 && packet[0]>>4 == 6 {
		header, f = ipv6Len, IPv6
	}
	if len(packet) < header+headerLen+TrailerLen {
		return
	}
	msg := packet[header:]
	t := msg[len(msg)-TrailerLen:]
	t[0], t[1], t[2], t[3] = trailerSHA256, k.id, 0, 0
	binary.BigEndian.PutUint64(t[trailerSeq:], seq)
	src := packet[12:16]
	if f == IPv6 {
		src = packet[8:24]
	}
	copy(t[trailerHMAC:], k.digest(msg, f, src))
	if f == IPv6 {
		msg[6], msg[7] = 0, 0
		// Source and destination stand side by side in the header, as they do
		// in the pseudo-header.
		s := sum(Protocol+uint32(len(msg)), packet[8:40])
		binary.BigEndian.PutUint16(msg[6:], ^fold(sum(s, msg)))
	}
}

// Verify tells whether the trailer of msg, which TrailerOf has found, was made
// with this key by the sender at src: 4 octets, or 16 over IPv6.
func (k *Key) Verify(msg []byte, f Family, src []byte) bool {
	return hmac.Equal(msg[len(msg)-trailerSum:], k.digest(msg, f, src))
}

// digest covers a pseudo-header of family, version, VRID and source, and the
// message with checksum and HMAC as zero. The destination is not in it: one
// signature serves every peer.
func (k *Key) digest(msg []byte, f Family, src []byte) []byte {
	k.pseudo = [pseudoLen]byte{uint8(f), msg[0] >> 4, msg[1]}
	copy(k.pseudo[4:], src)
	k.mac.Reset()
	k.mac.Write(k.pseudo[:])
	k.mac.Write(msg[:6])
	k.mac.Write(zeros[:2])
	k.mac.Write(msg[headerLen : len(msg)-trailerSum])
	k.mac.Write(zeros[:])
	return k.mac.Sum(k.sum[:0])[:trailerSum]
}

var zeros [trailerSum]byte
