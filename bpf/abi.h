/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the kernel program and package loader have in common. bpf2go turns
 * these types into Go; a test in loader compares the drops with vrrp.Drop.
 *
 * Addresses are 16 bytes in network order; an IPv4 address fills the first
 * four and leaves the rest zero. Stamps are CLOCK_MONOTONIC nanoseconds, 0 for
 * never.
 */
#ifndef VRRPX_ABI_H
#define VRRPX_ABI_H

#include <linux/types.h>

/* Lengths in bytes. */
#define VRRP_HEADER  8
#define V2_AUTH_DATA 8
#define AH_HEADER    12                          /* without its ICV */
#define AH_MAX       ((255 + 2) * 4)             /* RFC 4302 section 2.2 */
#define MESSAGE_MAX  (VRRP_HEADER + 255 * 16 + 28) /* 28: trailer of a signed advert */
#define PACKET_MAX   (40 + AH_MAX + MESSAGE_MAX)
#define PACKET_USUAL 160                         /* nearly all adverts fit */

/*
 * Why a frame was not taken as an advert: X(name of its counter, NAME), in
 * the order of the checks. Enum, struct fields and index are this one list.
 */
#define INTERFACE_DROPS(X)                                                     \
	X(ip_header, IP_HEADER)                                                \
	X(ip_options, IP_OPTIONS)                                              \
	X(fragment, FRAGMENT)                                                  \
	X(ext_header, EXT_HEADER)                                              \
	X(truncated, TRUNCATED)                                                \
	X(vlan, VLAN)                                                          \
	X(vrid, VRID)

/* auth_data to auth_replay are judged above, where the secrets are, and stay 0 here. */
#define ROUTER_DROPS(X)                                                        \
	X(ttl, TTL)                                                            \
	X(unknown_peer, UNKNOWN_PEER)                                          \
	X(auth_type, AUTH_TYPE)                                                \
	X(version, VERSION)                                                    \
	X(type, TYPE)                                                          \
	X(length, LENGTH)                                                      \
	X(checksum, CHECKSUM)                                                  \
	X(destination, DESTINATION)                                            \
	X(source, SOURCE)                                                      \
	X(own, OWN)                                                            \
	X(interval_zero, INTERVAL_ZERO)                                        \
	X(interval, INTERVAL)                                                  \
	X(auth_data, AUTH_DATA)                                                \
	X(auth_missing, AUTH_MISSING)                                          \
	X(auth_malformed, AUTH_MALFORMED)                                      \
	X(auth_stale, AUTH_STALE)                                              \
	X(auth_key, AUTH_KEY)                                                  \
	X(auth_invalid, AUTH_INVALID)                                          \
	X(auth_replay, AUTH_REPLAY)                                            \
	X(overflow, OVERFLOW)                                                  \
	X(ring_full, RING_FULL)

#define DROP_NUMBER(name, NAME) DROP_##NAME,
#define DROP_COUNTER(name, NAME) __u64 name;

enum drop {
	ACCEPTED,
	INTERFACE_DROPS(DROP_NUMBER)
	ROUTER_DROPS(DROP_NUMBER)
	NUM_DROPS,
};

struct interface_drops {
	INTERFACE_DROPS(DROP_COUNTER)
};

struct router_drops {
	ROUTER_DROPS(DROP_COUNTER)
};

/* The values are those of the Auth Type field of RFC 2338 section 5.3.6. */
enum auth { AUTH_NONE, AUTH_PASS, AUTH_AH };

struct router_key {
	__u32 ifindex;
	__u8 vrid;
	__u8 family; /* 4 or 6 */
	__u16 pad;   /* 0 */
};

/* What user space wants of one router's adverts. It is replaced whole. */
struct rule {
	enum auth auth;
	__u8 version;         /* 2 or 3 */
	__u8 priority;        /* own effective one: what is not below it is significant */
	__u16 interval;       /* Adver Int that a v2 advert must carry, seconds; 0: any */
	__u32 up_rate;        /* adverts per second that may go up, each class by itself */
	__u32 up_burst;       /* and how many of them at once */
	__u8 own[16];         /* own primary address */
	__u8 group[16];       /* required destination */
	__u8 elide;           /* 1: the advert below is stamped and goes no further */
	__u8 match_priority;
	__u16 match_interval; /* as on the wire */
	__u8 unicast;         /* 1: adverts come from peers, and group is own */
	__u8 any_source;      /* 1: or from anyone, with any TTL */
	__u8 old_form;        /* 1: old_group may be the pseudo-header's destination */
	__u8 pad;
	__u8 match_src[16];
	__u64 match_digest;
	__u8 match_mac[6];    /* of its sender; needed only with bound */
	__u8 bound;           /* 1: adverts of that sender and priority go up by a bound of their own */
	__u8 pad2;
	__u8 old_group[16];
	/*
	 * Of a heartbeat line: the interface of the router that it belongs to, whose
	 * deadline an advert that matches refreshes too. VRID and family are the same.
	 */
	__u32 router_ifindex; /* 0: this is no line */
	__u32 slot;           /* of the advert clock: number + 1; 0: none */
	__u64 since_ns;       /* when it was made: what matched before is of another */
};

/* A router that may speak to one with unicast peers. */
struct peer_key {
	struct router_key router;
	__u8 src[16];
};

struct peer {
	__u8 min_ttl; /* of its adverts as they arrive */
	__u8 max_ttl;
};

/*
 * The longest time from one advert of the master to the next, in a stretch of
 * 2^GAP_SHIFT ns (69 s). What is older than GAP_WINDOWS of them is overwritten:
 * user space looks once a minute, however many adverts come.
 */
#define GAP_SHIFT 36
#define GAP_WINDOWS 4

struct gap {
	__u64 window;     /* number of the stretch: at_ns >> GAP_SHIFT; 0: none */
	__u64 longest_ns;
	__u64 at_ns;      /* when the advert came that ended it */
};

/* What came for one router. */
struct router_state {
	__u64 last_seen_ns;    /* valid advert, from anyone */
	__u64 last_match_ns;   /* advert that matched the rule */
	__u64 refreshed_ns;    /* the same, here or on a line of the router */
	__u64 received;        /* valid adverts */
	__u64 matched;         /* of them elided */
	__u64 sent_up;         /* of them put on the ring */
	__u64 checksum_plain;  /* of them summed over the message alone */
	__u64 checksum_pseudo; /* of them summed with the pseudo-header */
	__u64 checksum_old;    /* of them with one whose destination is the group */
	struct router_drops drops;
	__u64 arrivals[32];    /* [k]: matches 2^k to 2^(k+1) us after the one before, of one rule */
	struct gap gaps[GAP_WINDOWS]; /* that of a window is [window % GAP_WINDOWS] */
};

/* Every VRRP frame of an interface, taken or not. */
struct iface_counters {
	__u64 frames;
	__u64 passed;
	__u64 dropped; /* XDP_DROP: unseen by tcpdump */
	__u64 claims_full_ns; /* when the bucket of EVENT_CLAIM is full again */
	__u64 speakers_full_ns; /* when that of new speakers is */
	__u64 not_listed; /* frames of speakers that it did not let in */
	struct interface_drops drops;
};

#define SPEAKER_MESSAGE 72 /* octets kept: the header and 16 IPv4 or 4 IPv6 addresses */

/* One sender of one VRID's adverts. */
struct speaker_key {
	__u32 ifindex;
	__u8 vrid;
	__u8 family; /* 4 or 6 */
	__u8 kind;   /* first octet of the message: version and type */
	__u8 pad;    /* 0 */
	__u8 src[16];
};

/* How often it was heard, and its last frame, but for adverts that were elided. */
struct speaker {
	__u64 first_ns;
	__u64 last_ns;
	__u64 frames;  /* 0: the entry is being made */
	__u16 length;  /* of the message */
	__u8 ttl;      /* or hop limit */
	__u8 drop;     /* enum drop */
	__u8 mac[6];
	__u8 pad[6];
	__u8 message[SPEAKER_MESSAGE];
};

/* A virtual address whose packets the host is not to get. */
struct no_accept_key {
	__u32 ifindex; /* of a link-local IPv6 address; of others 0 */
	__u32 family;  /* 4 or 6 */
	__u8 address[16];
};

struct no_accept {
	__u64 dropped; /* packets to it */
};

/* A virtual address that others are not to answer for, on an interface. */
struct watched_key {
	__u32 ifindex;
	__u32 family; /* 4 or 6 */
	__u8 address[16];
};

struct watched {
	__u64 claims;   /* frames of others that claim it */
	__u64 full_ns;  /* when the bucket of its events is full again */
	__u64 unanswered; /* questions for it that were dropped */
	__u32 slot;     /* of the router that has it: number + 1; 0: none. See answer.h */
	__u8 own[6];    /* whose claims are not told: our MAC address */
	__u8 pad[6];
};

/* What stands behind an ARP probe of a router like this one: "vrpx". */
#define CLAIM_MAGIC 0x76727078

enum event_kind {
	EVENT_ADVERT = 1,
	EVENT_DOWN = 2, /* a deadline has passed */
	EVENT_SOON = 3, /* a deadline passes in SOON_NS, unless an advert comes */
	EVENT_CLAIM = 4, /* another claims a watched address; the key has no VRID */
	EVENT_TAKEN = 5,  /* a deadline has passed, and the kernel has opened the gate */
	EVENT_LAPSED = 6, /* an advert was due and the lease was not fresh: GATE_LAPSED */
	EVENT_FROZEN = 7, /* an advert was due and the last too long ago: GATE_FROZEN */
	EVENT_STALLED = 8, /* the host stood still from at_ns to now_ns; the deadline waits */
};

/*
 * How long before a deadline user space is woken: longer than an idle CPU takes
 * to run a process, and no longer, since it spins for so long.
 */
#define SOON_NS 250000

/*
 * A record of the ring. Only an advert and a claim have a packet, the latter as
 * much of ARP or IPv6 as fits.
 */
struct event {
	__u64 at_ns;    /* advert: arrival; down, taken: the deadline that passed;
			   lapsed, frozen: when the advert was due */
	__u64 now_ns;   /* when it was put on the ring */
	__u64 digest;   /* of the VRRP message */
	__u64 heard_ns; /* down, taken: the last match, on any line, when the deadline was judged */
	__u64 gap_ns;   /* of CLOCK_BOOTTIME, lapsed: since the lease was renewed;
			   frozen: since the last advert */
	__u64 gate;     /* taken, lapsed, frozen: the gate's word after the change */
	__u32 slot;     /* likewise: number of the slot + 1 */
	__u32 pad;
	struct router_key key;
	enum event_kind kind;
	__u16 length;  /* of packet */
	__u16 message; /* where in packet the VRRP message starts, after any AH */
	__u8 mac[6];   /* sender */
	__u8 pseudo;   /* 1: the checksum includes the pseudo-header */
	__u8 old;      /* 1: it includes one whose destination is the group */
	__u8 packet[]; /* as it came, from the IP header to the end of its payload */
};

/*
 * Whether the advert clock sends a slot's adverts. Only GATE_OPEN does. The
 * YIELDED, LAPSED and FROZEN are latched: user space alone leaves them.
 */
enum gate {
	GATE_SHUT,    /* user space has not opened it */
	GATE_ARMED,   /* of a BACKUP that the kernel may make MASTER */
	GATE_OPEN,
	GATE_YIELDED, /* a better advert was heard */
	GATE_LAPSED,  /* the lease was not renewed in time */
	GATE_FROZEN,  /* the last advert was down_ns ago or more */
	GATE_TAKING,  /* about to be open: see gate.h */
};

#define GATE_BITS 8 /* of the gate's word; the others count its changes */
#define GATE_MASK ((1 << GATE_BITS) - 1)

/*
 * An advert schedule: of a router, or of one of its heartbeat lines. User space
 * has the map in its memory. All that both sides write is changed by one atomic
 * operation, so no lock is needed, which programs that sleep could not take:
 *
 * gate     both, by compare-and-swap
 * sending  the clock alone: raised before it looks at the gate, lowered when
 *          the adverts have been handed over. Who shuts a gate and then sees 0
 *          knows that none leaves any more.
 * due_ns   both, by compare-and-swap: who moves it on sends what was due
 * the rest of the first block is user space's, the second block the clock's
 */
struct slot {
	__u64 gate;        /* enum gate, and above GATE_BITS a count of changes */
	__u64 due_ns;      /* next advert */
	__u64 interval_ns;
	__u64 early_ns;    /* how long before due_ns it may leave */
	__u64 down_ns;     /* master-down interval; 0: no guard against a freeze */
	__u64 lease_ns;    /* 0: none */
	__u64 watch_ns;    /* while ARMED: how often to look whether due_ns is set; by vrrpx_arm */
	struct router_key key; /* of its events; the family says which loop serves it */
	__u32 ifindex;     /* by which it leaves */
	__u32 frames;      /* numbers 0 to frames-1 of map adverts */

	__u64 sent_ns;      /* last advert; user space sets both when it opens the gate */
	__u64 sent_boot_ns; /* the same, CLOCK_BOOTTIME */
	__u32 sending;
	__u32 id;           /* IPv4 identification of the last advert */
	__u64 sent;         /* frames handed over */
	__u64 failed;       /* frames that the interface refused */
	__u64 late;         /* adverts more than LATE_NS after due_ns */
	__u64 missed;       /* slots that passed without one */
	__u64 max_late_ns;
};

#define LATE_NS 1000000
#define FRAME_MAX 1518

/* One prebuilt frame of a slot: one for each destination. */
struct advert_key {
	__u32 slot;
	__u32 n;
};

/* It is replaced whole. */
struct advert_frame {
	__u32 length;          /* 14 to FRAME_MAX */
	__u8 bytes[FRAME_MAX];
	__u8 pad[2];
};

/*
 * One of the two loops of the clock: number 0 serves IPv4, 1 IPv6. User space
 * sets the first block before the first seed and changes slots alone after.
 */
struct loop {
	__u32 entry;   /* interface at which the seed comes in */
	__u32 exit;    /* its peer, by which the seed goes round again */
	__u32 mark;    /* skb->mark by which a seed is known */
	__u32 slots;   /* slots from here on are not in use */

	__u64 back_ns;  /* when the seed will be back */
	__u64 spent_ns; /* up to when the loop's tbf has no tokens left over */
	__u64 laps;
	__u64 foreign;  /* frames of others that came in */
	__u64 again_ns; /* when the other loop last sent the seed anew */
	__u64 again;    /* how often it did */
	__u64 crowded;  /* laps that could not serve all that was due */
	__u64 early;    /* laps in a row that were not held back */
	__u64 racing;   /* seeds taken away for that: the queue is gone */
	__u64 asked;    /* by user space: times that it looked whether to send the seed */
	__u64 most_ns;  /* a lap is to be back within that; 0: within 2 BURST_NS */
	__u32 cpu;      /* of the last lap: a seed stays where it is */
	__u32 pad;
};

/*
 * How long a seed sleeps is told by its length: the size table of the qdisc
 * makes bytes of it, which tbf passes at its rate. With 2^SLEEP_FINE
 * steps to each doubling, the n-th length from SEED_MIN is that of
 *
 *	n < 512: n units;  else (256 + n % 256) << (n / 256 - 1) units
 *
 * of 2^SLEEP_UNIT ns.
 */
#define SEED_MIN    64
#define SLEEP_FINE  8
#define SLEEP_UNIT  12 /* 4.1 us */
#define SLEEP_STEPS (9 << SLEEP_FINE) /* lengths; the longest sleep is 267.9 ms */

/* Renewed by user space as long as it is fit to be MASTER. */
struct lease {
	__u64 renewed_boot_ns; /* CLOCK_BOOTTIME */
};

enum deadline_op { DEADLINE_ARM = 1, DEADLINE_CANCEL = 2 };

/* Context of vrrpx_arm. */
struct deadline_request {
	struct router_key key;
	enum deadline_op op;
	__u32 pad;
	__u64 at_ns;    /* the deadline as known now */
	__u64 since_ns; /* matches after this postpone it, */
	__u64 down_ns;  /* each to so long after itself */
	__u64 interval_ns; /* the master's; 0: no guard against a host that stood still */
	__u64 skew_ns;
	__u64 gate; /* the word that the slot's gate was armed with; another and it stays shut */
	__u32 slot; /* whose gate the deadline opens: number + 1; 0: none */
	__u32 pad2;
};

#endif
