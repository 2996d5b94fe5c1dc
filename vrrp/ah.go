package vrrp

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"hash"
)

// AHLen is the length of an Authentication Header with the ICV of HMAC-MD5-96
// (RFC 2402 section 2, RFC 2403).
const AHLen = 24

const (
	ahWords  = AHLen/4 - 2 // Payload Len
	ahSPI    = 4           // offsets
	ahSeq    = 8
	ahICV    = 12
	ahICVLen = 12
)

// AH makes and checks the Authentication Headers of RFC 2338 section 5.3.6.2 as
// keepalived speaks them. RFC 2338 leaves the association open; keepalived has
// the password for its key, and the sender's address for its SPI.
//
// It is for one goroutine, and allocates nothing once made.
type AH struct {
	mac hash.Hash
	sum [md5.Size]byte
	ip  [ipv4Len]byte
	ah  [AHLen]byte
}

// NewAH has the password for its key: of more than 8 octets the first 8.
func NewAH(password string) *AH {
	return &AH{mac: hmac.New(md5.New, []byte(password[:min(len(password), authDataLen)]))}
}

// Seal fills in the header that stands behind the IPv4 header of packet, whose
// source and other fields are final. A packet without room for it is left as it
// is.
func (a *AH) Seal(packet []byte, seq uint32) {
	if len(packet) < ipv4Len+AHLen {
		return
	}
	header := packet[ipv4Len:]
	header[0], header[1], header[2], header[3] = Protocol, ahWords, 0, 0
	copy(header[ahSPI:], packet[12:16]) // the source
	binary.BigEndian.PutUint32(header[ahSeq:], seq)
	copy(header[ahICV:AHLen], a.icv(packet))
}

// Verify checks the ICV of packet, from its IPv4 header on, which Judge has
// accepted. It returns the sequence number that the ICV covers, and Accepted,
// DropAuthMalformed or DropAuthInvalid.
func (a *AH) Verify(packet []byte) (seq uint32, d Drop) {
	if len(packet) < ipv4Len+AHLen+headerLen || packet[ipv4Len+1] != ahWords {
		return 0, DropAuthMalformed // keepalived knows no other length
	}
	header := packet[ipv4Len:]
	if !hmac.Equal(header[ahICV:AHLen], a.icv(packet)) {
		return 0, DropAuthInvalid
	}
	if [4]byte(header[ahSPI:]) != [4]byte(packet[12:]) {
		return 0, DropAuthMalformed
	}
	return binary.BigEndian.Uint32(header[ahSeq:]), Accepted
}

// icv is HMAC-MD5-96 over the whole packet with what changes on the way, and
// the ICV itself, as zero (RFC 2402 section 3.3.3). To a multicast group
// keepalived leaves the TTL in, which is 255 for every receiver.
func (a *AH) icv(packet []byte) []byte {
	copy(a.ip[:], packet)
	a.ip[1] = 0             // TOS
	a.ip[6], a.ip[7] = 0, 0 // flags and fragment offset
	if a.ip[16]>>4 != 14 {  // unicast
		a.ip[8] = 0
	}
	a.ip[10], a.ip[11] = 0, 0 // checksum
	copy(a.ah[:ahICV], packet[ipv4Len:])
	a.mac.Reset()
	a.mac.Write(a.ip[:])
	a.mac.Write(a.ah[:]) // its ICV is never written, and stays zero
	a.mac.Write(packet[ipv4Len+AHLen:])
	return a.mac.Sum(a.sum[:0])[:ahICVLen]
}
