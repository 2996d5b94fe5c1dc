package vrrp

// Drop says why a frame that carries VRRP was not taken as an advert. The
// numbers are those of enum drop in bpf/abi.h; a test in loader fails when the
// two lists differ. They are listed in the order in which they are checked, so
// a frame with two faults has one name.
type Drop uint8

// The first group is counted per interface, because the frame cannot be laid
// to a virtual router of ours; the second per router; the third is found only
// above the kernel program. Two checks are out of line: the authentication type in
// VRRPv2's header is looked at after DropOwn, as RFC 3768 section 7.1 has it, and
// the destination of a unicast router's advert before DropTTL, with its peer and in
// the order destination, peer, TTL.
const (
	Accepted      Drop = iota
	DropIPHeader       // IPv4 header impossible or its checksum wrong
	DropIPOptions      // IPv4 options present
	DropFragment       // a fragment; adverts are never fragmented
	DropExtHeader      // IPv6 extension header, before VRRP or another one, in a frame to a group
	DropTruncated      // frame ends before the VRID
	DropVLAN           // 802.1Q tag of another VLAN: that VLAN's device judges it
	DropVRID           // VRID not configured on this interface: another daemon's

	DropTTL          // TTL or hop limit is not 255 (RFC 9568 section 7.1), or not in the unicast peer's range
	DropUnknownPeer  // a unicast router's: from an address that is no peer of it
	DropAuthType     // authentication type differs, or AH where none is configured
	DropVersion      // version differs from the configured one
	DropType         // type is not ADVERTISEMENT (1)
	DropLength       // shorter than its address count says, or longer than any advert
	DropChecksum     // neither checksum form fits
	DropDestination  // not sent to the VRRP group, or not to a unicast router's own address
	DropSource       // source is unspecified, loopback or multicast
	DropOwn          // our own advert looped back
	DropIntervalZero // v3 Max Advertise Interval 0 (erratum 8301)
	DropInterval     // v2 Adver Int differs from ours (RFC 3768 section 7.1)

	DropAuthData      // v2 password differs
	DropAuthMissing   // not signed, where auth_hmac demands it
	DropAuthMalformed // Authentication Header or trailer not of the one form that is spoken
	DropAuthStale     // signed at a time outside the window
	DropAuthKey       // signed with a key that is not configured
	DropAuthInvalid   // ICV or HMAC wrong: another password or key, or changed on the way
	DropAuthReplay    // sequence number not above the last one
	DropOverflow      // valid, but over the router's bound of adverts per second
	DropRingFull      // valid, but the ring buffer had no room

	NumDrops = int(DropRingFull) + 1
)

var dropNames = [NumDrops]string{
	"accepted", "ip_header", "ip_options", "fragment", "ext_header", "truncated", "vlan", "vrid",
	"ttl", "unknown_peer", "auth_type", "version", "type", "length", "checksum", "destination", "source", "own",
	"interval_zero", "interval",
	"auth_data", "auth_missing", "auth_malformed", "auth_stale", "auth_key", "auth_invalid", "auth_replay",
	"overflow", "ring_full",
}

// String returns the name of the counter: the same in BPF, status and metrics.
func (d Drop) String() string {
	if int(d) < len(dropNames) {
		return dropNames[d]
	}
	return "unknown"
}

// Error makes a Drop usable as the error of a parser.
func (d Drop) Error() string { return "vrrp: dropped: " + d.String() }

// OfRouter tells whether the drop is laid to a virtual router (true) or only to
// the interface on which the frame came.
func (d Drop) OfRouter() bool { return d >= DropTTL }
