package config

// newRouter begins a vrrp_instance.
func (in *interpreter) newRouter(s *statement) {
	in.cur = &draft{Router: Defaults(), seen: map[string]Pos{}}
	in.cur.Pos = s.pos()
	in.cur.Name = s.words[1].text
	in.drafts = append(in.drafts, in.cur)
}

// setState differs from the other keywords: keepalived keeps the first one.
func (in *interpreter) setState(w word) {
	if w.text != Master && w.text != Backup {
		in.diags.errorf(w.pos, "in capitals; the priority decides who is master", "state %s: expected MASTER or BACKUP", quote(w.text))
		return
	}
	if first := in.cur.state; first.text != "" && first.text != w.text {
		in.diags.errorf(w.pos, "remove one of the two", "state %s: the one at %s is %s", w.text, first.pos, first.text)
		return
	}
	in.cur.state = w
	in.cur.State = w.text
}

// setExpiredBackup reads timer_expired_backup [PRIORITY] and its other name.
func (in *interpreter) setExpiredBackup(s *statement) {
	in.cur.ExpiredBackup = 254
	if len(s.words) > 1 {
		if n, ok := in.wholeNumber(s.words[1], 1, 254, ""); ok {
			in.cur.ExpiredBackup = uint8(n)
		}
	}
}

func (in *interpreter) setInterface(w word) {
	if !validInterface(w.text) {
		in.diags.errorf(w.pos, "", "interface %s: %s", quote(w.text), wantInterface)
		return
	}
	in.cur.Interface = w.text
}
