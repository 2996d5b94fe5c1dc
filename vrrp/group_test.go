package vrrp

import "net/netip"

var group6 = netip.MustParseAddr("ff02::12")
