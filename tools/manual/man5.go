package main

import (
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

// language is vrrpx.conf(5).
func language(sections []config.Section) string {
	m := newPage("VRRPX.CONF", "5", "File Formats")
	m.title("NAME")
	m.WriteString("vrrpx.conf \\- configuration of vrrpx: keepalived.conf as it reads it\n")
	m.title("SYNOPSIS")
	m.WriteString(bold("/etc/keepalived/keepalived.conf") + "\n")
	m.title("DESCRIPTION")
	m.paragraphs(`
vrrpx reads the file of keepalived, and has no other. A statement is a line: a keyword and what follows it. A keyword with
{ ... } opens a block. Text after # or ! is a comment. Words with blanks are quoted.

	vrrp_instance VI_1 {
	    state MASTER
	    interface eth0
	    virtual_router_id 51
	    priority 150
	    advert_int 1
	    virtual_ipaddress {
	        10.0.0.3/24
	    }
	}

include FILE reads other files. A line that begins with @NAME counts where vrrpx runs with --config-id=NAME, or on the host of that
name. $NAME=VALUE defines a parameter, $NAME uses it; ~SEQ(NAME, FIRST, LAST) before a line repeats it.

vrrpx check -f FILE reads a file as vrrpx run does, and tells every error and warning of it. An error keeps vrrpx from starting,
and a reload from changing anything.

Of a keyword that keepalived does not have, this page says (vrrpx). A BOOL is on, true or yes, or off, false or no; without it the keyword
means yes.
`)
	for _, s := range sections {
		title := s.Block
		if title == "" {
			title = "TOP LEVEL"
		}
		m.title(title)
		for _, k := range s.Honoured {
			text := k.Text
			if k.Own {
				text += " (vrrpx)"
			}
			term := bold(k.Name)
			if k.Args != "" {
				term += " " + synopsis(k.Args)
			}
			m.item(term, text)
		}
		m.others("Without effect", s.NoEffect)
		m.others("Refused", s.Refused)
	}
	m.title("SEE ALSO")
	m.WriteString(bold("vrrpx") + "(8),\n" + bold("keepalived.conf") + "(5)\n")
	m.paragraphs("\n\n/usr/share/doc/vrrpx/differences.md tells where a keyword does otherwise than in keepalived.")
	return m.String()
}

// others are the keywords that are not honoured, by their reasons.
func (p *page) others(title string, all []config.Others) {
	if len(all) == 0 {
		return
	}
	p.subtitle(title)
	for _, o := range all {
		names := make([]string, len(o.Names))
		for i, n := range o.Names {
			names[i] = bold(n)
		}
		p.WriteString(".TP\n" + strings.Join(names, ", ") + "\n" + roff(sentence(o.Reason)) + "\n")
	}
}
