package config

// vrrpx_kernel_takeover lets the kernel make a BACKUP MASTER by itself when its
// deadline passes, whatever the process is doing, and for no longer than the lease
// without it. It is asked for, since of three routers the best BACKUP, with a
// process that cannot install the addresses, would keep a healthy third silent for
// that long.

// takesOver refuses it where the kernel cannot judge alone whether to take over,
// or could not send the advert.
func (v *validator) takesOver() {
	refuse := func(hint, why string) {
		v.errorf(v.TakeoverPos, hint, "vrrpx_kernel_takeover: %s", why)
	}
	if !v.KernelTakeover {
		return
	}
	if lease, why := v.LeaseTime(); lease == 0 {
		refuse("remove one of the two", "the kernel takes over only within the lease, and there is none: "+why)
	}
	if v.Pacer == PacerThread {
		refuse("write vrrpx_pacer auto, or remove it", "vrrpx_pacer thread: it is the kernel that sends the first adverts")
	}
	if v.Auth.Type == AuthAH || v.HMAC != nil {
		refuse("remove it", "signed adverts (auth_hmac, auth_type AH) are verified and signed by the process")
	}
	if sb := v.SplitBrain; sb != nil && (sb.Action == ActionYield || sb.Wait) {
		refuse("remove it, or let split_brain only tell", "split_brain asks before a takeover, which only the process can do")
	}
	if len(v.Heartbeats) > 0 {
		refuse("remove it", "adverts on heartbeat lines are put together by the process")
	}
	if v.ExpiredBackup != 0 {
		refuse("remove one of the two", "timer_expired_backup has the process look at its last advert before it sends")
	}
}

// checkTakeovers refuses it to members of groups.
func checkTakeovers(diags *diagnostics, cfg *Config) {
	takes := map[string]*Router{}
	for i := range cfg.Routers {
		if r := &cfg.Routers[i]; r.KernelTakeover {
			takes[r.Name] = r
		}
	}
	for _, g := range cfg.Groups {
		for _, m := range g.Members {
			if r := takes[m.Name]; r != nil {
				diags.errorf(r.TakeoverPos, "remove it, or take the instance out of the group", "(%s) vrrpx_kernel_takeover: a member of vrrp_sync_group %s waits for the others, which only the process can do",
					plain(r.Name), plain(g.Name))
			}
		}
	}
}

func (in *interpreter) setTakeover(s *statement) {
	in.cur.KernelTakeover, in.cur.TakeoverPos = true, s.pos()
}
