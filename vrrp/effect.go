package vrrp

// Effect is what a step asks of the world. Within one step the effects come in
// this order, which is part of the contract: Transition, SendAdvert, TakeVIPs,
// ReleaseVIPs, Announce, and last any Notes. AskTakeover stands alone.
type Effect interface{ effect() }

// Transition tells of a change of state and why.
type Transition struct {
	From, To State
	Reason   Reason
}

// SendAdvert asks for one advert now, with this priority: 0 to release. With
// ReplyToHigher it may follow a Transition to BACKUP. With Announce it is the first
// of a MASTER after a pause.
type SendAdvert struct{ Priority uint8 }

// TakeVIPs asks for the virtual addresses to be installed, ReleaseVIPs for
// them to be removed. They alternate.
type (
	TakeVIPs    struct{}
	ReleaseVIPs struct{}
)

// Announce asks for gratuitous ARP (or unsolicited NA) for every virtual
// address: on becoming MASTER and after a pause survived as such, or, with Lower,
// because a losing advert may have led others astray.
type Announce struct{ Lower bool }

// Note tells the operator of something that changes no state. A run of equal
// adverts brings it once; two senders that alternate bring it each time.
type Note struct {
	Kind   NoteKind
	Advert Advert
}

// NoteKind names a Note.
type NoteKind uint8

// The notes.
const (
	NoteIntervalDiffers NoteKind = iota // v3: learned, RFC 9568 section 7.1
	NoteIntervalCapped                  // v3: too long to be learned
	NoteAddrsDiffer                     // the address list is not ours
	NoteEqualPriority                   // two routers share one priority
	NoteOwner                           // another claims to own the addresses (255)
	NoteSecondMaster                    // we are MASTER and hear another
)

var noteNames = [...]string{"interval_differs", "interval_capped", "addresses_differ", "equal_priority", "foreign_owner", "second_master"}

func (k NoteKind) String() string { return noteNames[k] }

func (Transition) effect()  {}
func (SendAdvert) effect()  {}
func (TakeVIPs) effect()    {}
func (ReleaseVIPs) effect() {}
func (Announce) effect()    {}
func (Note) effect()        {}
