package meter

import (
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Takeovers is how a backup did beside a master that fell silent again and
// again.
type Takeovers struct {
	Late   []time.Duration // its first advert past the deadline of each silence
	Missed int             // long silences in which it said nothing
	False  int             // times that it began to announce before a deadline

	FalseAt []vrrp.Instant // when
}

// Early is how much before its deadline a first advert may come without being
// false: stamps are taken on a bridge between the two.
const Early = time.Millisecond

// TakeoversOf reads adverts in the order of their stamps. A silence of the master
// is a gap in its adverts of at least the backup's master-down interval, by
// the wire, whoever meant it; the one after its last advert is none. One in which the
// backup said nothing is missed if it was at least long: the master may itself
// have been held up for a moment.
func TakeoversOf(ads []Advert, master, backup int, down, long time.Duration) Takeovers {
	for len(ads) > 0 && ads[len(ads)-1].Host != master {
		ads = ads[:len(ads)-1]
	}
	var t Takeovers
	var deadline, lastBackup vrrp.Instant
	taken := false
	for _, ad := range ads {
		switch {
		case ad.Host == master && ad.Priority > 0:
			if deadline != 0 && ad.At.Sub(deadline)+down >= long && !taken {
				t.Missed++
			}
			deadline, taken = ad.At.Add(down), false
		case ad.Host == backup && ad.Priority > 0:
			begins := lastBackup == 0 || ad.At.Sub(lastBackup) >= down
			lastBackup = ad.At
			switch late := ad.At.Sub(deadline); {
			case deadline == 0 || taken:
			case late >= -Early:
				t.Late = append(t.Late, late)
				taken = true
			case begins:
				t.False++
				t.FalseAt = append(t.FalseAt, ad.At)
			}
		}
	}
	return t
}
