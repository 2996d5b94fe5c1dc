package config

import "net/netip"

func (in *interpreter) setMinGARP(on bool) { in.minGARP = on }

// limitedBroadcast is 255.255.255.255.
var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
