package vrrp

import (
	"net/netip"
	"time"
)

// Config is what a virtual router is told. Its holder has checked the ranges.
type Config struct {
	Version uint8 // 2 or 3
	Family  Family
	VRID    uint8 // 1 to 255
	// Priority is the effective one: 255 owns the addresses, 1 to 254 backs up.
	Priority uint8
	Interval time.Duration // v2: whole seconds; v3: 10 ms to 40.95 s in steps of 10 ms
	Primary  netip.Addr    // the address that our adverts come from
	Addrs    []netip.Addr  // the virtual addresses in configured order
	Preempt  bool          // take over from a lower priority; an owner always does

	// PreemptDelay is how long a BACKUP lets a master of lower priority be,
	// from the first of its adverts: keepalived's preempt_delay, 0 to 1000 s. An
	// owner waits for nobody.
	PreemptDelay time.Duration

	// DownAdverts is the number of silent intervals that mean a dead master:
	// 3 in the RFCs; keepalived's down_timer_adverts, 1 to 100.
	DownAdverts int
	// MaxLearn bounds the learned interval to this many times our own, so that
	// one spoofed advert cannot buy its sender 123 s of silence. 0 is no bound.
	MaxLearn int
	// ReplyToLower sends an advert at once when a MASTER hears a losing one
	// (RFC 9568 section 6.4.3; keepalived unless lower_prio_no_advert). It
	// announces in any case: its sender may have announced too.
	ReplyToLower bool
	// ReplyToHigher sends one more advert, with our priority, when a MASTER
	// yields to a better one (keepalived's higher_prio_send_advert).
	ReplyToHigher bool
	// OwnerIgnores keeps an owner (priority 255) that is MASTER so, whoever else
	// advertises (keepalived's owner_ignore_adverts). The operator is told all the
	// same. Without it the tie of two owners goes to the higher address, as that
	// of any two priorities (RFC 9568 section 6.4.3), and the other becomes BACKUP
	// until its peer falls silent.
	OwnerIgnores bool
	// Ask makes the router ask for leave before its timer makes it MASTER.
	Ask bool
	// CheckAddrsOnce compares a master's addresses with ours when the master
	// changes, not when its addresses do (keepalived's skip_check_adv_addr). A
	// difference is told and never drops an advert.
	CheckAddrsOnce bool
}
