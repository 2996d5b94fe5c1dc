package sim

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// String is the replay file that Parse reads. Routers are numbered from 1.
func (s *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d\nversion %d\n", s.Seed, s.Version)
	for i, r := range s.Routers {
		fmt.Fprintf(&b, "router %d %v priority %d every %v adverts %d offset %v ppm %d wake %v",
			i+1, r.Addr, r.Priority, r.Interval, r.Adverts, r.Offset, r.PPM, r.Wake)
		if r.Lease > 0 {
			fmt.Fprintf(&b, " lease %v", r.Lease)
		}
		for _, f := range r.toggles() {
			if *f.set == f.on {
				b.WriteString(" " + f.word)
			}
		}
		b.WriteString("\n")
	}
	for _, l := range s.Links {
		fmt.Fprintf(&b, "link %d %d delay %v jitter %v dup %d%% loss %d%% held %d%% by %v\n",
			l.From+1, l.To+1, l.Delay, l.Jitter, l.Dup, l.Loss, l.Held, l.HeldD)
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "at %v %v\n", e.At, e)
	}
	fmt.Fprintf(&b, "at %v end\n", s.End)
	return b.String()
}

// String is the event without its time.
func (e Event) String() string {
	who := "master"
	if e.Router != WhoeverIsMaster {
		who = strconv.Itoa(e.Router + 1)
	}
	switch e.Kind {
	case Heal:
		return "heal"
	case Cut, Mend:
		return fmt.Sprintf("%v %s %d", e.Kind, who, e.To+1)
	case SetPriority:
		return fmt.Sprintf("priority %s %d", who, e.Priority)
	}
	return fmt.Sprintf("%v %s", e.Kind, who)
}

// toggle is a word in a router's line that sets a field to on.
type toggle struct {
	word string
	set  *bool
	on   bool
}

func (r *Router) toggles() []toggle {
	return []toggle{{"nopreempt", &r.Preempt, false}, {"noreply", &r.Reply, false}, {"elide", &r.Elide, true}, {"ask", &r.Ask, true}}
}

// Parse reads a replay file: the lines that String writes, empty ones, and
// comments that begin with #. It fails with the line's number, or with what
// Check finds.
func Parse(r io.Reader) (Scenario, error) {
	var s Scenario
	in, n, ended := bufio.NewScanner(r), 0, false
	for in.Scan() {
		n++
		words := strings.Fields(in.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		var err error
		switch {
		case ended:
			err = errors.New("nothing may follow the end")
		case words[0] == "seed" && len(words) == 2:
			s.Seed, err = strconv.ParseUint(words[1], 10, 64)
		case words[0] == "version" && len(words) == 2:
			err = setNumber(&s.Version)(words[1])
		case words[0] == "router" && len(words) > 2:
			err = s.parseRouter(words[1:])
		case words[0] == "link" && len(words) > 2:
			err = s.parseLink(words[1:])
		case words[0] == "at" && len(words) == 3 && words[2] == "end":
			ended, err = true, setDuration(&s.End)(words[1])
		case words[0] == "at" && len(words) > 2:
			err = s.parseEvent(words[1:])
		default:
			err = errors.New("want seed, version, router, link or at")
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %q: %w", n, in.Text(), err)
		}
	}
	switch err := in.Err(); {
	case err != nil:
		return s, err
	case !ended:
		return s, errors.New("no end: want a last line such as: at 1m end")
	}
	return s, s.Check()
}

func (s *Scenario) parseRouter(words []string) error {
	if words[0] != strconv.Itoa(len(s.Routers)+1) {
		return fmt.Errorf("want router %d next", len(s.Routers)+1)
	}
	r := Router{Adverts: 3, Offset: time.Hour, Preempt: true, Reply: true}
	var err error
	if r.Addr, err = netip.ParseAddr(words[1]); err != nil {
		return err
	}
	table := map[string]setter{
		"priority": setNumber(&r.Priority), "every": setDuration(&r.Interval), "adverts": setNumber(&r.Adverts),
		"offset": setDuration(&r.Offset), "ppm": setNumber(&r.PPM), "wake": setDuration(&r.Wake), "lease": setDuration(&r.Lease),
	}
	rest := words[2:]
	for _, f := range r.toggles() {
		if i := slices.Index(rest, f.word); i >= 0 {
			*f.set, rest = f.on, slices.Delete(rest, i, i+1)
		}
	}
	if err := options(rest, table); err != nil {
		return err
	}
	s.Routers = append(s.Routers, r)
	return nil
}

func (s *Scenario) parseLink(words []string) error {
	var l Link
	if err := errors.Join(setIndex(&l.From)(words[0]), setIndex(&l.To)(words[1])); err != nil {
		return err
	}
	err := options(words[2:], map[string]setter{
		"delay": setDuration(&l.Delay), "jitter": setDuration(&l.Jitter), "by": setDuration(&l.HeldD),
		"dup": setPercent(&l.Dup), "loss": setPercent(&l.Loss), "held": setPercent(&l.Held),
	})
	s.Links = append(s.Links, l)
	return err
}

func (s *Scenario) parseEvent(words []string) error {
	var e Event
	if err := setDuration(&e.At)(words[0]); err != nil {
		return err
	}
	kind := slices.Index(kindNames[:], words[1])
	if kind < 0 {
		return fmt.Errorf("want one of %s", strings.Join(kindNames[:], ", "))
	}
	e.Kind = EventKind(kind)
	fields := []setter{func(word string) error {
		if word == "master" {
			e.Router = WhoeverIsMaster
			return nil
		}
		return setIndex(&e.Router)(word)
	}}
	switch e.Kind {
	case Heal:
		fields = nil
	case Cut, Mend:
		fields = []setter{setIndex(&e.Router), setIndex(&e.To)}
	case SetPriority:
		fields = append(fields, setNumber(&e.Priority))
	}
	if len(words)-2 != len(fields) {
		return fmt.Errorf("%v wants %d words after it", e.Kind, len(fields))
	}
	for i, set := range fields {
		if err := set(words[2+i]); err != nil {
			return err
		}
	}
	s.Events = append(s.Events, e)
	return nil
}

type setter func(word string) error

// options reads pairs of a word and its value.
func options(words []string, table map[string]setter) error {
	for ; len(words) > 0; words = words[2:] {
		set, ok := table[words[0]]
		if !ok || len(words) < 2 {
			return fmt.Errorf("no option %q, or no value for it", words[0])
		}
		if err := set(words[1]); err != nil {
			return err
		}
	}
	return nil
}

func setNumber[T int | uint8](to *T) setter {
	return func(word string) error {
		n, err := strconv.Atoi(word)
		if *to = T(n); err == nil && int(*to) != n {
			err = fmt.Errorf("%d is out of range", n)
		}
		return err
	}
}

func setPercent(to *int) setter {
	return func(word string) error { return setNumber(to)(strings.TrimSuffix(word, "%")) }
}

// setIndex reads the number of a router.
func setIndex(to *int) setter {
	return func(word string) error {
		n, err := strconv.Atoi(word)
		if err == nil && n < 1 {
			err = errors.New("routers are numbered from 1")
		}
		*to = n - 1
		return err
	}
}

func setDuration(to *time.Duration) setter {
	return func(word string) (err error) { *to, err = time.ParseDuration(word); return err }
}
