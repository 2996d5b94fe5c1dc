package model

import (
	"strings"
	"testing"
)

// Deadline, advert, clock and user space meet in one instant, in every order of
// their single steps: no gate stays open after a better advert, nothing is kept
// from user space that ends a takeover, and nothing leaves after a stop.
//
//vrrp:row 34
func TestGateInEveryOrder(t *testing.T) {
	for _, c := range gateCases() {
		n, broken, order := CheckGate(c)
		if broken != "" {
			t.Errorf("%+v: %s\n\t%s", c, broken, strings.Join(order, "\n\t"))
		}
		t.Logf("%+v: %d states", c, n)
	}
}

func gateCases() (cases []GateCase) {
	for _, advert := range []GateCase{{}, {Advert: true, Matches: true}, {Advert: true}} {
		for _, user := range []GateCase{{}, {Stop: true}, {Rearm: true}} {
			advert.Stop, advert.Rearm = user.Stop, user.Rearm
			cases = append(cases, advert)
		}
	}
	return cases
}

// Every mistake is found, and the shortest order is printed.
func TestGateMistakesAreFound(t *testing.T) {
	for f := LookFirst; f < gateFaults; f++ {
		t.Run(f.String(), func(t *testing.T) {
			for _, c := range gateCases() {
				c.Fault = f
				if n, broken, order := CheckGate(c); broken != "" {
					t.Logf("%+v: %d states: %s\n\t%s", c, n, broken, strings.Join(order, "\n\t"))
					return
				}
			}
			t.Error("not found")
		})
	}
}
