package model

// state is all that can make a difference. Its fields are octets, and so it has
// no padding and is its own key.
type state struct {
	h    [Hosts]host
	air  [Hosts][Hosts]uint8 // from, to: bit k is an advert under way for k ticks
	turn uint8               // whose turn it is within the tick

	lost, frozen, stopped uint8 // of what may be
	calm                  uint8 // 1 and the ticks since the end of trouble; 0: not yet
	dark                  uint8 // ticks without a holder
}

// inCard is the bit of adverts that a card keeps for a frozen host.
const inCard = 1 << 7

// host is one host. Ages and countdowns are in ticks.
type host struct {
	life life
	iced uint8 // how long it has been frozen
	kernel
	process
	watched
}

type life uint8

const (
	alive life = iota
	frozen
	killed // the host lives, its process does not
	dead
)

// kernel is what the programs and their maps hold.
type kernel struct {
	gate   gate
	due    uint8 // until the next advert
	gap    uint8 // since the last, as the program has it
	lap    uint8 // 1: between the program's look and its send
	lease  uint8 // age of the renewal
	honest uint8 // age of the reading that the renewal stands for; no part of the design
	armed  uint8
	down   uint8 // until the deadline
	late   uint8 // how late the callback is, which is only so after a freeze
	put    uint8 // 1: it has been put off once
	torn   uint8 // 1: the callback of TornTimer has looked
	seen   uint8 // 1: an advert came since our last
	ring   [8]event
}

type gate uint8

const (
	shut gate = iota
	armed
	open
	yielded
	lapsed
	halted // GATE_FROZEN
)

func (g gate) latched() bool { return g >= yielded }

type event uint8

const (
	nothing event = iota
	advert0       // of host 0, and so on
	advert1
	advert2
	down
	taken
	hasLapsed
	hasFrozen
)

// process is what lives in Go.
type process struct {
	role   uint8 // 1: MASTER
	pc     pc    // the loop's next step
	read   uint8 // age of the clock reading that is to be stored
	stale  verdict
	want   uint8 // 1: the addresses are to be on the interface
	hold   uint8 // and they are
	garp   uint8 // 1: the announcer has more to send
	looked uint8 // 1: it has looked, and sends next
	listen uint8 // after a freeze: until it goes on, 1 when it may; 0: it does not listen
	stall  uint8 // for how long the process has left work undone; where stops are counted, 1 while it does
}

// watched is what the properties remember; no part of the design.
type watched struct {
	on    uint8 // 1: it announces, as far as others can tell
	start uint8 // age of the first announcement
	last  uint8 // and of the last
	stray uint8
	owed  uint8 // 1: its right was over; the process must judge before the kernel sends
	debt  uint8 // and so often it has sent
}

// pc is a step of the loop. It may be stopped before each.
type pc uint8

const (
	idle    pc = iota
	demote     // shuts the gate
	yield      // machine: BACKUP
	freeze     // its host was frozen
	store      // the renewal
	drain      // the next event
	answer     // a losing advert: an advert and GARP
	lose       // to a better one: shuts the gate
	follow     // machine: BACKUP
	opening    // machine: MASTER; opens the gate
	claim      // its first advert, and GARP
	accept     // the kernel took over: machine: MASTER; advert and GARP
	numSteps
)

var stepNames = [numSteps]string{
	"idle", "about to shut its gate", "about to become BACKUP", "about to see that it was frozen", "about to store the renewal",
	"about to read the ring", "about to answer", "about to shut its gate", "about to become BACKUP", "about to open its gate",
	"about to send advert and GARP", "about to follow the takeover",
}

// midStep tells whether the process has looked and not yet done what follows.
func (p *process) midStep() bool { return p.pc != idle && p.pc != drain || p.looked == 1 }

// verdict is what a look at lease and gate tells.
type verdict uint8

const (
	good     verdict = iota
	over             // the lease is, or the kernel has found it so
	paused           // no advert for so long that another may have taken over
	unjudged         // DrainFirst
)

// push puts an event on the ring, unless it tells nothing new there.
func (k *kernel) push(e event) {
	i := 0
	for ; i < len(k.ring) && k.ring[i] != nothing; i++ {
		if k.ring[i] == e {
			// What lies between is other adverts; behind a takeover it is news.
			again := false
			for _, f := range k.ring[i+1:] {
				again = again || f == taken
			}
			if !again {
				return
			}
		}
	}
	if i == len(k.ring) {
		panic("model: the ring is too short")
	}
	k.ring[i] = e
}

func (k *kernel) pop() (e event) {
	e = k.ring[0]
	copy(k.ring[:], k.ring[1:])
	k.ring[len(k.ring)-1] = nothing
	return e
}

// start is the state before anything has happened.
func (c *Config) start() (s state) {
	for i := range s.h {
		h := &s.h[i]
		if i >= c.Hosts {
			h.life = dead
			continue
		}
		h.gate, h.armed, h.down = c.rest(i), 1, uint8(c.down(i))
		if i == 0 && !c.Orphans {
			h.gate, h.armed, h.role, h.want, h.hold = open, 0, 1, 1, 1
			h.due = uint8(c.Interval)
			if c.announcing() {
				h.on, h.start = 1, c.caps().start
			}
		}
	}
	return s
}

// rest is the gate of a BACKUP.
func (c *Config) rest(i int) gate {
	if c.Takeover[i] {
		return armed
	}
	return shut
}

func (c *Config) announcing() bool {
	return c.Overlap != None || c.Stray != None || c.Owed != None || c.Wrong != None
}
