package vrrp

import (
	"testing"
	"time"
)

// Who is made the owner while he waits has nobody to wait for.
//
//vrrp:row 41 54
func TestOwnerByChangePreemptsAtOnce(t *testing.T) {
	for name, in := range map[string]Input{
		"priority":      SetPriority{255},
		"configuration": SetConfig{with(func(c *Config) { c.Priority = 255 })},
	} {
		t.Run(name, func(t *testing.T) {
			r := backup(t, with(func(c *Config) { c.PreemptDelay = time.Minute }))
			r.step(t0, Heard{advert(above, 50)})
			now := t0.Add(time.Second)
			r.step(now, in, "BACKUP -> MASTER (owner)", "send 255", "take VIPs", "announce")
			r.due(now.Add(time.Second))
		})
	}
	r, now := master(t, base())
	r.step(now, SetPriority{255}) // it is MASTER
	r = newRig(t, base())
	r.step(t0, SetPriority{255}) // not begun
}

// Two owners are a mistake of their configuration. The higher address has it,
// and no change at the other but one that makes him the owner anew begins the
// quarrel again.
//
//vrrp:row 54 55
func TestTieOfTwoOwnersGoesToTheHigherAddress(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Priority = 255 }))
	r.step(t0, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.step(t0, Heard{advert(above, 255)}, "MASTER -> BACKUP (better_master)", "release VIPs", "note foreign_owner 10.0.0.10")
	r.step(t0, SetPriority{255})
	r.step(t0, SetConfig{with(func(c *Config) { c.Priority, c.Preempt = 255, false })})
	r.step(t0.Add(time.Second), Heard{advert(above, 255)})
	r.due(t0.Add(4*time.Second + time.Second/256))
}

// owner_ignore_adverts: nobody moves the owner, and the operator hears of it.
//
//vrrp:row 23 54
func TestOwnerMayIgnoreAdverts(t *testing.T) {
	r := newRig(t, with(func(c *Config) { c.Priority, c.OwnerIgnores = 255, true }))
	r.step(t0, Startup{}, "INIT -> MASTER (owner)", "send 255", "take VIPs", "announce")
	r.step(t0, Heard{advert(above, 255)}, "note second_master 10.0.0.10", "note foreign_owner 10.0.0.10")
	r.step(t0, Heard{advert(above, 255)})
	r.step(t0, Heard{advert(above, 100)}, "note second_master 10.0.0.10")
	r.step(t0, Heard{advert(above, 0)})
	r.due(t0.Add(time.Second)) // no answer, no new schedule

	// Below 255 it means nothing.
	r, now := master(t, with(func(c *Config) { c.OwnerIgnores = true }))
	r.step(now, Heard{advert(above, 150)}, "MASTER -> BACKUP (better_master)", "release VIPs")
}
