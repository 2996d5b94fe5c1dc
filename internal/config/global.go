package config

import "net/netip"

// mail is a keyword that is read and checked, and mentioned because this
// version sends no mail.
func mail(kw keyword) keyword {
	kw.kind = aboutMail
	return kw
}

// mailSwitch is smtp_alert and its like: only switched on does it promise
// anything.
var mailSwitch = keyword{shape: optionShape, set: func(in *interpreter, s *statement) {
	on := true
	if len(s.words) > 1 {
		on, _ = in.boolean(s.words[1])
	}
	if on {
		in.mention(aboutMail, s)
	}
}}

func (in *interpreter) setEmail(s *statement) {
	if len(s.block) == 0 {
		in.diags.warnf(s.pos(), "", "notification_email: expected at least one address")
	}
	for _, line := range s.block {
		if line.hasBlock() {
			in.diags.errorf(line.open, "", "notification_email: unexpected {: expected addresses")
			continue
		}
		for _, w := range line.words {
			in.global.NotificationEmail = append(in.global.NotificationEmail, w.text)
		}
	}
}

func (in *interpreter) setSMTPServer(s *statement) {
	in.global.SMTPServer = s.words[1].text
	if len(s.words) < 3 {
		return
	}
	if port, ok := in.wholeNumber(s.words[2], 1, 65535, " (the port)"); ok {
		in.global.SMTPPort = uint16(port)
	}
}

func (in *interpreter) setMinGARP(on bool) { in.minGARP = on }

// limitedBroadcast is 255.255.255.255.
var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
