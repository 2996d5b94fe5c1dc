package meter

import (
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Advert is one advert on the wire: when, by which host (any small number),
// and its priority; 0 is a farewell.
type Advert struct {
	At       vrrp.Instant
	Host     int
	Priority uint8
}

// Holding is who announced the virtual router when.
type Holding struct {
	Transitions int           // to MASTER, without the very first
	Both        time.Duration // two hosts announced at once
	BothAdverts int           // adverts of one amid those of another
	Silent      time.Duration // beyond the master-down interval: nobody announced
}

// span is a host's run of adverts, each less than the master-down interval
// after the one before.
type span struct {
	host       int
	first, end vrrp.Instant
}

// HoldingOf reads adverts in the order of their stamps. A host announces from one
// advert to its next where that comes within the master-down interval; a lone
// advert is an instant. A host that has been silent for longer becomes MASTER
// anew if another has advertised since.
func HoldingOf(ads []Advert, down time.Duration) Holding {
	var h Holding
	var last vrrp.Instant
	for i, ad := range ads {
		if i > 0 {
			h.Silent += max(0, ad.At.Sub(last)-down)
		}
		last = ad.At
	}
	h.Transitions = max(0, len(terms(ads, down))-1)
	spans := spans(ads, down)
	for i, s := range spans {
		for _, o := range spans[i+1:] {
			if o.host != s.host {
				h.Both += max(0, min(s.end, o.end).Sub(max(s.first, o.first)))
			}
		}
	}
	for _, ad := range ads {
		for _, s := range spans {
			if ad.Priority > 0 && s.host != ad.Host && ad.At > s.first && ad.At < s.end {
				h.BothAdverts++
				break
			}
		}
	}
	return h
}

// spans are in the order of their first adverts.
func spans(ads []Advert, down time.Duration) []span {
	var all []span
	open := map[int]int{} // host to its span
	for _, ad := range ads {
		i, ok := open[ad.Host]
		switch {
		case ad.Priority == 0:
			delete(open, ad.Host)
		case ok && ad.At.Sub(all[i].end) < down:
			all[i].end = ad.At
		default:
			open[ad.Host] = len(all)
			all = append(all, span{ad.Host, ad.At, ad.At})
		}
	}
	return all
}

// terms are the spans that begin a reign: not those of a host that was silent
// for long while nobody took its place.
func terms(ads []Advert, down time.Duration) []span {
	var reigns []span
	seen := map[int]vrrp.Instant{} // last advert of each host
	for _, s := range spans(ads, down) {
		before, ok := seen[s.host], false
		for _, ad := range ads {
			if ad.Host != s.host && ad.At > before && ad.At < s.first {
				ok = true
				break
			}
		}
		if before == 0 || ok {
			reigns = append(reigns, s)
		}
		seen[s.host] = s.end
	}
	return reigns
}
