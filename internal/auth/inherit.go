package auth

// Inherit makes a router's new guard go on where its old one is: with the numbers
// that were sent, and those of others that were heard. A key that is in both then
// opens no advert twice, and one that is new has no past. Guards of different
// kinds have nothing in common.
//
// It belongs to the goroutine of Check. A sealer of the old guard may still be
// in use while it is called.
func Inherit(g, old Guard) {
	switch g := g.(type) {
	case *hmacGuard:
		if old, ok := old.(*hmacGuard); ok {
			g.inherit(old)
		}
	case *ahGuard:
		if old, ok := old.(*ahGuard); ok {
			last := old.last.Load() + inFlight
			g.last.Store(last)
			g.heard.reset(last)
		}
	}
}

// inFlight is more than what a sealer of the old guard sends until it is told.
const inFlight = 4

func (g *hmacGuard) inherit(old *hmacGuard) {
	if last := old.sequence.last.Load() + inFlight; later(last, g.sequence.last.Load()) || g.sequence.last.Load() == 0 {
		g.sequence.last.Store(last)
	}
	for _, m := range old.marks.list {
		g.marks.set(m.signer, m.heard.highest())
	}
	g.trouble.Store(old.trouble.Load())
}
