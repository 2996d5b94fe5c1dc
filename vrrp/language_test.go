package vrrp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// line takes one line at the margin; testdata/README has the language.
func (l *lan) line(words []string) error {
	switch {
	case words[0] == "router":
		return l.add(words[1:])
	case words[0] == "wire" && len(words) == 2:
		return setDuration(&l.delay)(words[1])
	}
	delay, err := time.ParseDuration(strings.TrimPrefix(words[0], "+"))
	if err != nil || len(words) < 2 || delay < 0 {
		return fmt.Errorf("want router, or +DELAY and what happens then")
	}
	if l.now == 0 {
		l.now = t0
	}
	if words[1] == "run" {
		return l.run(l.now.Add(delay))
	}
	times := 1
	if s, ok := strings.CutPrefix(words[1], "x"); ok {
		if times, err = strconv.Atoi(s); err != nil {
			return err
		}
		words = words[1:]
	}
	if len(words) < 3 {
		return fmt.Errorf("want +DELAY, a router and an input")
	}
	i := slices.IndexFunc(l.routers, func(r *talker) bool { return r.name == words[1] })
	if i < 0 {
		return fmt.Errorf("no router %q", words[1])
	}
	r := l.routers[i]
	if words[2] == "dies" { // kill -9: no farewell
		l.now, r.dead = l.now.Add(delay), true
		return nil
	}
	in, err := input(words[2:])
	if err != nil {
		return err
	}
	l.quiet = times > 1
	defer func() { l.quiet = false }()
	for range times {
		l.now = l.now.Add(delay)
		if err := l.deliver(); err != nil {
			return err
		}
		if p, ok := in.(Paused); ok {
			in = p.at(l.now)
		}
		if err := l.step(r, in, strings.Join(words[2:], " ")); err != nil {
			return err
		}
		if err := l.deliver(); err != nil {
			return err
		}
	}
	if l.quiet {
		l.print("  @%v %s after %d: %s", l.now.Sub(t0), r.name, times, r.standing())
	}
	return nil
}

// add reads NAME ADDRESS and options: priority N, every D, version N, adverts
// N, maxlearn N, delay D, nopreempt, noreply.
func (l *lan) add(words []string) error {
	if len(words) < 2 {
		return fmt.Errorf("want router NAME ADDRESS")
	}
	c := base()
	var err error
	if c.Primary, err = netip.ParseAddr(words[1]); err != nil {
		return err
	}
	err = options(words[2:], map[string]func(string) error{
		"priority": setByte(&c.Priority), "version": setByte(&c.Version), "every": setDuration(&c.Interval),
		"adverts": setInt(&c.DownAdverts), "maxlearn": setInt(&c.MaxLearn),
		"delay":     setDuration(&c.PreemptDelay),
		"nopreempt": nil, "noreply": nil, "ask": nil,
	})
	c.Preempt = !slices.Contains(words, "nopreempt")
	c.Ask = slices.Contains(words, "ask")
	c.ReplyToLower = !slices.Contains(words, "noreply")
	l.routers = append(l.routers, &talker{name: words[0], referee: referee{m: New(c)}})
	return err
}

// at is a Paused whose instants were given as distances from now.
func (p Paused) at(now Instant) Paused {
	p.Since = now.Add(-p.Length)
	if p.Seen != 0 {
		p.Seen = now.Add(-time.Duration(p.Seen))
	}
	return p
}

// input reads what happens to a router.
func input(words []string) (Input, error) {
	rest := words[1:]
	switch words[0] {
	case "startup":
		return Startup{}, nil
	case "shutdown":
		return Shutdown{}, nil
	case "timer":
		return Timer{}, nil
	case "permit", "refuse":
		return Permit{words[0] == "permit"}, nil
	case "yield":
		return Yield{strings.Join(rest, " ")}, nil
	case "heldup":
		var d time.Duration
		err := setDuration(&d)(strings.Join(rest, " "))
		return HeldUp{d}, err
	case "paused":
		var p Paused
		var seen time.Duration
		if len(rest) == 0 {
			break
		}
		err := setDuration(&p.Length)(rest[0])
		if err == nil {
			err = options(rest[1:], map[string]func(string) error{"seen": setDuration(&seen)})
		}
		p.Seen = Instant(seen)
		return p, err
	case "lapsed":
		in := Lapsed{Lease: time.Second}
		err := setDuration(&in.Away)(strings.Join(rest, " "))
		return in, err
	case "fault":
		return Fault{strings.Join(rest, " "), true}, nil
	case "clears":
		return Fault{strings.Join(rest, " "), false}, nil
	case "priority":
		var p uint8
		err := setByte(&p)(strings.Join(rest, " "))
		return SetPriority{p}, err
	case "hears":
		if len(rest) == 0 {
			break
		}
		src, err := netip.ParseAddr(rest[0])
		if err != nil {
			return nil, err
		}
		a := advert(src, 100)
		err = options(rest[1:], map[string]func(string) error{
			"priority": setByte(&a.Priority), "every": setDuration(&a.Interval),
			"vip": func(s string) (err error) { a.Addrs[0], err = netip.ParseAddr(s); return err },
		})
		return Heard{a}, err
	}
	return nil, fmt.Errorf("no input %q", words)
}

// options reads words by a table; a nil setter marks a word without a value.
func options(words []string, table map[string]func(string) error) error {
	for len(words) > 0 {
		set, ok := table[words[0]]
		switch {
		case !ok || set != nil && len(words) < 2:
			return fmt.Errorf("no option %q, or no value for it", words[0])
		case set == nil:
			words = words[1:]
			continue
		}
		if err := set(words[1]); err != nil {
			return err
		}
		words = words[2:]
	}
	return nil
}

func setByte(to *uint8) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseUint(s, 10, 8)
		*to = uint8(n)
		return err
	}
}

func setInt(to *int) func(string) error {
	return func(s string) (err error) { *to, err = strconv.Atoi(s); return err }
}

func setDuration(to *time.Duration) func(string) error {
	return func(s string) (err error) { *to, err = time.ParseDuration(s); return err }
}
