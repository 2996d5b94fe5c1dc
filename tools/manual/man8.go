package main

import "strings"

// manual is vrrpx(8).
func (p *program) manual() string {
	m := newPage("VRRPX", "8", "System Administration")
	m.title("NAME")
	m.WriteString("vrrpx \\- " + roff(p.About) + "\n")
	m.title("SYNOPSIS")
	for i, c := range p.Commands {
		if i > 0 {
			m.WriteString(".br\n")
		}
		m.WriteString(bold("vrrpx") + " " + synopsis(c.Usage) + "\n")
	}
	m.title("DESCRIPTION")
	m.paragraphs(`
vrrpx keeps virtual IP addresses on one of several hosts, as VRRP (RFC 9568, RFC 3768) has it: the host with the highest
priority is MASTER and has the addresses; when it falls silent, another takes them over. It reads keepalived.conf,
described in vrrpx.conf(5), and speaks with keepalived and routers.

XDP programs judge, count and time-stamp adverts at the driver, before any firewall; the kernel keeps the deadline of a
BACKUP, and sends the adverts of a MASTER for a while without the process.
`)
	m.title("COMMANDS")
	m.paragraphs("vrrpx COMMAND --help shows the options of a command.")
	for _, c := range p.Commands {
		m.subtitle("vrrpx " + c.Name)
		m.WriteString(roff(sentence(c.Short)) + "\n")
		if c.Name == "keepalived" {
			m.WriteString(".PP\n")
			m.paragraphs("Options, each of the meaning that keepalived(8) gives it; docs/operation.md says which are without effect:")
			m.terms(c.Flags)
			continue
		}
		for _, o := range c.Flags {
			m.item(o.term(), o.meaning())
		}
	}
	m.title("SIGNALS")
	m.list(`
SIGTERM, SIGINT	End: adverts of priority 0 are sent, the addresses are removed.
SIGHUP	Read the configuration again, as vrrpx reload does, and open log files anew.
SIGUSR1	Write configuration and state to /tmp/keepalived.data.
SIGUSR2	Write counters to /tmp/keepalived.stats.
36	Write /tmp/keepalived.json.
63	Write counters, and begin them with 0.
`)
	m.title("EXIT STATUS")
	m.list(`
0	Success.
1	An error. vrrpx check: the configuration has one; vrrpx doctor: a result is bad.
2	A command line that is not understood.
`)
	m.WriteString(".PP\n")
	m.paragraphs("vrrpx keepalived, and vrrpx called by the name keepalived, have the codes of keepalived(8).")
	m.title("FILES")
	m.list(`
/etc/keepalived/keepalived.conf	The configuration that vrrpx.service reads, and vrrpx keepalived by itself.
/etc/default/vrrpx	Options for vrrpx run under vrrpx.service.
/run/vrrpx	The control socket, and what is to be removed after a kill.
/sys/fs/bpf/vrrpx	Pinned maps, for bpftool(8).
/run/vrrpx-metrics	For a socket of vrrpx_metrics, if wanted: unix:/run/vrrpx-metrics/sock.
/var/lib/vrrpx	What outlives a boot: the history that vrrpx events and explain read, captures of the flight recorder.
/usr/share/doc/vrrpx	Documents: operation.md, migrating.md, liveness.md and others.
`)
	m.title("SEE ALSO")
	m.WriteString(strings.Join([]string{bold("vrrpx.conf") + "(5)", bold("keepalived.conf") + "(5)", bold("ip") + "(8)", bold("bpftool") + "(8)", bold("systemd.service") + "(5)"}, ",\n") + "\n")
	return m.String()
}

// terms are options that are said to mean nothing of our own, a line each.
func (p *page) terms(options []option) {
	p.WriteString(".RS\n")
	for i, o := range options {
		if i > 0 {
			p.WriteString(".br\n")
		}
		p.WriteString(o.term() + "\n")
	}
	p.WriteString(".RE\n")
}

// term is an option and what stands for its value.
func (o option) term() string {
	t := bold("--" + o.Long)
	if o.Letter != "" {
		t = bold("-"+o.Letter) + ", " + t
	}
	value := o.Value
	if len(o.Choices) > 0 {
		value = strings.Join(o.Choices, "|")
	}
	switch {
	case value == "":
		return t
	case o.Optional:
		return t + "[=" + italic(value) + "]"
	}
	return t + "=" + italic(value)
}

func (o option) meaning() string {
	text := sentence(o.Text)
	if o.Default != "" {
		text += " Default: " + strings.Trim(o.Default, "[]") + "."
	}
	return strings.TrimSpace(text)
}

// sentence begins a line of --help with a capital and ends it with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
