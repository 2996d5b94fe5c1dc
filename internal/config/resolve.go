package config

import "time"

// resolve gives each router the global defaults for what it leaves open, and
// then what keepalived makes of combinations.
func (in *interpreter) resolve() {
	g := &in.global
	if in.minGARP {
		if _, given := in.seen["vrrp_garp_master_delay"]; !given {
			g.GARP.MasterDelay = 0
		}
		if _, given := in.seen["vrrp_garp_master_repeat"]; !given {
			g.GARP.MasterRepeat = 1
		}
	}
	if _, given := in.seen["vrrp_garp_lower_prio_delay"]; !given {
		g.GARP.LowerDelay = g.GARP.MasterDelay
	}
	if _, given := in.seen["vrrp_garp_lower_prio_repeat"]; !given {
		g.GARP.LowerRepeat = g.GARP.MasterRepeat
	}
	in.resolveGroups()
	in.resolveFIFOs()
	in.resolveMail()
	for _, d := range in.drafts {
		in.files.router()
		d.inherit(g)
		in.resolveFamily(d)
		in.resolveUnicast(d)
		in.resolvePriority(d)
		in.resolvePreemptDelay(d)
		in.resolveExpiredBackup(d)
		in.resolveTracks(d)
		in.resolveSplitBrain(d)
		in.resolveHeartbeats(d)
		in.resolveInterval(d)
		in.resolveStrict(d)
		in.resolveAccept(d)
		in.resolveAuth(d)
		in.resolveHMAC(d)
		in.resolveLease(d)
		in.signsAdverts(d)
	}
	in.resolveVMACs()
	in.resolveStatic()
	for _, d := range in.drafts {
		in.reportExtra(d)
	}
	in.reportStrict()
}

// inherit takes over the global value of each keyword that was not given.
func (d *draft) inherit(g *Global) {
	for keyword, take := range map[string]func(){
		"version":                    func() { d.Version = g.Version },
		"strict_mode":                func() { d.Strict = g.Strict },
		"skip_check_adv_addr":        func() { d.SkipCheckAdvAddr = g.SkipCheckAdvAddr },
		"higher_prio_send_advert":    func() { d.HigherPriorityAdvert = g.HigherPriorityAdvert },
		"garp_lower_prio_delay":      func() { d.GARP.LowerDelay = g.GARP.LowerDelay },
		"garp_lower_prio_repeat":     func() { d.GARP.LowerRepeat = g.GARP.LowerRepeat },
		"owner_ignore_adverts":       func() { d.OwnerIgnores = g.OwnerIgnores },
		"lower_prio_no_advert":       func() { d.LowerPriorityAdvert = g.LowerPriorityAdvert },
		"v3_checksum_as_v2":          func() { d.ChecksumPlain = g.ChecksumPlain },
		"mcast_dst_ip":               func() { d.Group = g.Group },
		"check_unicast_src":          func() { d.CheckSource = g.CheckSource },
		"down_timer_adverts":         func() { d.DownAdverts = g.DownAdverts },
		"garp_extra_if":              func() { d.Extra = g.Extra },
		"garp_master_delay":          func() { d.GARP.MasterDelay = g.GARP.MasterDelay },
		"garp_master_repeat":         func() { d.GARP.MasterRepeat = g.GARP.MasterRepeat },
		"garp_master_refresh":        func() { d.GARP.Refresh = g.GARP.Refresh },
		"notify_alarm":               func() { d.Notify.Alarm = g.NotifyAlarm },
		"notify_priority_changes":    func() { d.NotifyPriorityChanges = g.NotifyPriorityChanges },
		"smtp_alert":                 func() { d.SMTPAlert = g.Mail.alerts() },
		"vrrpx_lease":                func() { d.Lease = g.Lease },
		"vrrpx_pacer":                func() { d.Pacer = g.Pacer },
		"garp_master_refresh_repeat": func() { d.GARP.RefreshRepeat = g.GARP.RefreshRepeat },
	} {
		if !d.given(keyword) {
			take()
		}
	}
	d.GARP.Interval, d.GNAInterval = g.GARP.Interval, g.GNAInterval
	for _, list := range [][]Address{d.Addresses, d.Excluded} {
		for i := range list {
			if list[i].Device == "" {
				list[i].Device = d.Interface
			}
		}
	}
}

func (in *interpreter) resolvePriority(d *draft) {
	if d.State == Master && !d.given("priority") {
		d.Priority = 255
		in.diags.warnf(d.state.pos, "set priority, to 150 for example", "(%s) state MASTER without priority means priority 255, the owner of the addresses", plain(d.Name))
	}
	if d.Preempt {
		return
	}
	pos := d.seen["nopreempt"]
	switch {
	case d.Priority == 255:
		d.Preempt = true
		in.diags.warnf(pos, "use a priority below 255", "(%s) nopreempt has no effect: priority 255 always preempts", plain(d.Name))
	case d.State == Master:
		d.Preempt = true
		in.diags.warnf(pos, "write state BACKUP on every host; the priority decides", "(%s) nopreempt has no effect with state MASTER", plain(d.Name))
	}
}

// resolvePreemptDelay drops a delay that there is nothing to delay with, as
// keepalived does.
func (in *interpreter) resolvePreemptDelay(d *draft) {
	if d.PreemptDelay == 0 {
		return
	}
	with, hint := "", "remove it"
	switch {
	case d.Priority == 255:
		with = "priority 255, which always preempts at once"
	case d.State == Master:
		with, hint = "state MASTER", "write state BACKUP on every host; the priority decides"
	case !d.Preempt:
		with, hint = "nopreempt", "remove one of the two"
	case d.Strict:
		with, hint = "vrrp_strict", "remove it, or vrrp_strict"
	default:
		return
	}
	in.diags.warnf(d.seen["preempt_delay"], hint, "(%s) preempt_delay has no effect with %s", plain(d.Name), with)
	d.PreemptDelay = 0
}

// resolveExpiredBackup drops it where the router would come back at once.
func (in *interpreter) resolveExpiredBackup(d *draft) {
	if !d.Preempt || d.ExpiredBackup == 0 {
		return
	}
	pos, ok := d.seen["timer_expired_backup"]
	if !ok {
		pos = d.seen["thread_timer_expired"]
	}
	in.diags.warnf(pos, "add nopreempt, or remove it", "(%s) timer_expired_backup has no effect without nopreempt: the router would preempt whoever took over", plain(d.Name))
	d.ExpiredBackup = 0
}

// resolveInterval rounds the advert interval to what the version can carry:
// to the nearest, halves up, at least one.
func (in *interpreter) resolveInterval(d *draft) {
	step, highest := time.Second, maxIntervalV2
	if d.Version == 3 {
		step, highest = minInterval, maxIntervalV3
	}
	pos := d.seen["advert_int"]
	written := d.AdvertInterval
	d.AdvertInterval = max((written+step/2)/step*step, step)
	switch {
	case d.AdvertInterval > highest:
		in.diags.errorf(pos, "", "(%s) advert_int %s: expected %s to %s seconds with VRRP version %d",
			plain(d.Name), showSeconds(written), showSeconds(step), showSeconds(highest), d.Version)
	case d.AdvertInterval != written && d.Version == 3:
		in.diags.warnf(pos, "write the interval in steps of 0.01", "(%s) adverts go out every %s s, not %s: VRRP version 3 counts in hundredths of a second",
			plain(d.Name), showSeconds(d.AdvertInterval), showSeconds(written))
	case d.AdvertInterval != written:
		in.diags.warnf(pos, "use version 3 on every host for intervals below a second", "(%s) adverts go out every %s s, not %s: VRRP version 2 counts in whole seconds",
			plain(d.Name), showSeconds(d.AdvertInterval), showSeconds(written))
	}
}

func (in *interpreter) resolveAuth(d *draft) {
	kind, pass := d.authType, d.authPass
	switch {
	case kind.text == "":
		if pass.pos.File != "" {
			in.diags.warnf(pass.pos, "add auth_type PASS", "(%s) auth_pass has no effect without auth_type", plain(d.Name))
		}
		return
	case kind.text != "PASS" && kind.text != "AH":
		in.diags.errorf(kind.pos, "auth_type PASS, in capitals", "(%s) auth_type %s: expected PASS or AH", plain(d.Name), quote(kind.text))
		return
	case !d.given("auth_pass"):
		in.diags.errorf(kind.pos, "add auth_pass, or remove the authentication block", "(%s) auth_type %s: expected auth_pass beside it", plain(d.Name), kind.text)
		return
	case pass.text == "":
		if pass.pos.File != "" { // else auth_pass has been called malformed
			in.diags.errorf(pass.pos, "", "(%s) auth_pass is empty: expected 1 to %d bytes", plain(d.Name), maxPassword)
		}
		return
	case d.Version == 3:
		in.diags.warnf(kind.pos, "remove the authentication block", "(%s) authentication is ignored: VRRP version 3 has none", plain(d.Name))
		return
	case d.Strict:
		in.diags.warnf(kind.pos, "remove vrrp_strict on every host, or the authentication block",
			"(%s) authentication is ignored under vrrp_strict: adverts carry no password, and an advert with one is dropped", plain(d.Name))
		return
	}
	if pass.cut {
		in.diags.warnf(pass.pos, `write it in quotes: "..."`, "(%s) auth_pass ends at the comment sign, # or !", plain(d.Name))
	}
	if len(pass.text) > maxPassword {
		in.diags.warnf(pass.pos, "shorten it on every host", "(%s) auth_pass is cut to its first %d bytes: the packet has room for no more", plain(d.Name), maxPassword)
		pass.text = pass.text[:maxPassword]
	}
	d.Auth = Auth{Type: AuthPass, Pass: Secret(pass.text)}
	if kind.text == "AH" {
		d.Auth.Type = AuthAH
		in.resolveAH(d)
	}
}

// resolveAH: keepalived starts no router with AH as MASTER, because its sequence
// numbers have to be above those that others remember. Ours start as backup
// below priority 255 in any case.
func (in *interpreter) resolveAH(d *draft) {
	if d.State == Master && d.Priority != 255 {
		in.diags.warnf(d.state.pos, "write state BACKUP; the priority decides", "(%s) state MASTER has no effect with auth_type AH", plain(d.Name))
		d.State = Backup
	}
}

// resolveStrict applies what keepalived 2.2.7 does under vrrp_strict, apart
// from authentication, which is resolveAuth's, and accept, which is
// resolveAccept's.
func (in *interpreter) resolveStrict(d *draft) {
	if !d.Strict {
		return
	}
	const hint = "remove it, or vrrp_strict"
	state := Backup
	if d.Priority == 255 {
		state = Master
	}
	if d.State != state {
		pos := d.state.pos
		if pos.File == "" {
			pos = d.Pos
		}
		in.diags.warnf(pos, "the priority decides who is master", "(%s) vrrp_strict: with priority %d the state is %s, whatever is written", plain(d.Name), d.Priority, state)
		d.State = state
	}
	if d.DownAdverts != 3 {
		in.diags.warnf(in.origin(d, "down_timer_adverts", "vrrp_down_timer_adverts"), hint, "(%s) vrrp_strict: down_timer_adverts is 3, not %d", plain(d.Name), d.DownAdverts)
		d.DownAdverts = 3
	}
	if d.LowerPriorityAdvert && d.given("lower_prio_no_advert") {
		in.diags.warnf(d.seen["lower_prio_no_advert"], hint, "(%s) vrrp_strict: lower_prio_no_advert is on", plain(d.Name))
	}
	d.LowerPriorityAdvert = false
	if d.GARP.LowerRepeat != 0 && d.given("garp_lower_prio_repeat") {
		in.diags.warnf(d.seen["garp_lower_prio_repeat"], hint, "(%s) vrrp_strict: garp_lower_prio_repeat is 0", plain(d.Name))
	}
	d.GARP.LowerRepeat = 0
	if d.HigherPriorityAdvert {
		in.diags.warnf(in.origin(d, "higher_prio_send_advert", "vrrp_higher_prio_send_advert"), hint, "(%s) vrrp_strict: higher_prio_send_advert is off", plain(d.Name))
		d.HigherPriorityAdvert = false
	}
}

// resolveAccept: an owner takes packets to its addresses, vrrp_strict lets
// nobody else do so unasked, and with version 2 nobody at all (RFC 3768
// section 6.4.3).
func (in *interpreter) resolveAccept(d *draft) {
	switch {
	case d.Priority == 255:
		if !d.Accept {
			in.diags.warnf(d.seen["no_accept"], "use a priority below 255", "(%s) no_accept has no effect: priority 255 owns the addresses", plain(d.Name))
		}
		d.Accept = true
	case d.Strict && d.given("accept") && d.Version == 2:
		if d.Accept {
			in.diags.warnf(d.seen["accept"], "remove it, or vrrp_strict", "(%s) vrrp_strict: accept has no effect with VRRP version 2", plain(d.Name))
		}
		d.Accept = false
	case d.Strict && !d.given("accept"):
		d.Accept = false
	}
}

// origin returns where a router's value comes from.
func (in *interpreter) origin(d *draft, own, global string) Pos {
	if pos, ok := d.seen[own]; ok {
		return pos
	}
	return in.seen[global]
}

// reportStrict says loudly what vrrp_strict changes, once for each place that
// turns it on.
func (in *interpreter) reportStrict() {
	said := map[Pos]bool{}
	for _, d := range in.drafts {
		pos := in.origin(d, "strict_mode", "vrrp_strict")
		if !d.Strict || said[pos] {
			continue
		}
		said[pos] = true
		in.diags.warnf(pos, "remove it, unless the network has routers that follow the RFC to the letter",
			"vrrp_strict: adverts carry no authentication, a master does not answer adverts of lower priority, and 3 missed adverts mean down; "+
				"unless accept is given, with version 3, every packet to the addresses is dropped while the priority is below 255: "+
				"they route, and answer neither ping nor any service")
	}
}
