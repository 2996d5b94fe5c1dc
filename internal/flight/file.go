package flight

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/vrrp"
)

// In a file each record is whole, in base64: behind this word in a comment of a
// packet, or in the field VRRPX_RECORD of a journal entry. All else is for people.
const (
	recordMark  = "vrrpx-record:1:"
	recordField = "VRRPX_RECORD"
	ownerField  = "VRRPX_INTERFACE_ID"
	described   = "vrrpx router "
)

// Clocks is one moment on both clocks: stamps are of CLOCK_MONOTONIC, files have the
// time of day.
type Clocks struct {
	Wall time.Time
	At   vrrp.Instant
}

func (c Clocks) wall(t vrrp.Instant) int64 { return c.Wall.UnixNano() + int64(t-c.At) }

// chunk is how much Write writes at once, at least.
const chunk = 16 << 10

// Write writes captures as pcapng: adverts as packets with two comments, verdict and
// decision in the first, the rest as entries of a journal, all in the order in which
// they were stepped. application names who writes.
func Write(w io.Writer, application string, clocks Clocks, captures []Capture) error {
	out := blocks{}
	out.section(application, fmt.Sprintf("vrrpx flight recorder. Adverts are rebuilt from what routers heard: destination, TTL and authentication are not recorded. "+
		"CLOCK_MONOTONIC was %d ns at %s.", clocks.At, clocks.Wall.UTC().Format(time.RFC3339Nano)))
	replicas := make([]replica, len(captures))
	for i := range captures {
		out.iface(oneLine(captures[i].Interface), described+oneLine(captures[i].Router))
	}
	for next := make([]int, len(captures)); ; {
		i := earliest(captures, next)
		if i < 0 {
			break
		}
		c := &captures[i]
		out.record(clocks, i, c, &c.Records[next[i]], &replicas[i])
		next[i]++
		if len(out.b) >= chunk {
			if _, err := w.Write(out.b); err != nil {
				return err
			}
			out.b = out.b[:0]
		}
	}
	_, err := w.Write(out.b)
	return err
}

// record writes one, after its replica has done the same.
func (w *blocks) record(clocks Clocks, id int, c *Capture, r *Record, m *replica) {
	var e encoder
	e.record(r)
	exact := base64.StdEncoding.EncodeToString(e.b)
	decision := m.follow(r)
	if h, ok := r.Input.(vrrp.Heard); ok && len(recordMark)+len(exact) <= maxOption {
		if frame, ok := rebuild(&h.Advert); ok {
			w.packet(uint32(id), clocks.wall(r.At), frame, "verdict: accepted; decision: "+decision, recordMark+exact)
			return
		}
	}
	w.journal(
		[2]string{"__REALTIME_TIMESTAMP", strconv.FormatInt(clocks.wall(r.At)/1000, 10)},
		[2]string{"__MONOTONIC_TIMESTAMP", strconv.FormatInt(int64(r.At)/1000, 10)},
		[2]string{"MESSAGE", oneLine("(" + c.Router + ") " + r.text(decision))},
		[2]string{"PRIORITY", "6"},
		[2]string{"SYSLOG_IDENTIFIER", "vrrpx"},
		[2]string{"VRRPX_ROUTER", oneLine(c.Router)},
		[2]string{ownerField, strconv.Itoa(id)},
		[2]string{"VRRPX_AT_NS", strconv.FormatInt(int64(r.At), 10)},
		[2]string{recordField, exact},
	)
}

// text is a record that is no packet, for people.
func (r *Record) text(decision string) string {
	switch {
	case r.Refused != nil:
		d := r.Refused
		return fmt.Sprintf("verdict: advert of %s, priority %d, refused (%v), %d more before; decision: none", d.Src, d.Priority, d.Why, d.Missed)
	case r.keyframe():
		return "keyframe: " + decision
	}
	return inputText(r.Input) + "; decision: " + decision
}

// oneLine is for values that end with the line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}

// replica is the machine of a capture, stepped along to tell what it decided where it
// said nothing.
type replica struct{ m *vrrp.Machine }

func (p *replica) follow(r *Record) string {
	switch {
	case r.keyframe():
		p.m = vrrp.Restore(r.Key)
		return machineText(p.m, r.At)
	case p.m == nil || r.Input == nil:
		return orNothing(effectsText(r.Effects))
	}
	p.m.Step(r.At, r.Input, nil)
	if text := effectsText(r.Effects); text != "" {
		return text + "; " + machineText(p.m, r.At)
	}
	if a, at, ok := p.m.Accepted(); ok && at == r.At {
		return fmt.Sprintf("follows %s; %s", a.Src, machineText(p.m, r.At))
	}
	return machineText(p.m, r.At)
}

// ReadFile reads what Write wrote, also after other tools have cut it or added blocks.
// A file without records of ours, or that is damaged, is an error.
func ReadFile(from io.Reader) ([]Capture, error) {
	r := blockReader{r: from}
	var all []Capture
	found := 0
	add := func(id uint64, text []byte) error {
		b, err := base64.StdEncoding.AppendDecode(nil, text)
		if err != nil || id >= uint64(len(all)) {
			return r.damaged("a record that cannot be read")
		}
		rec, err := record(b)
		if err != nil {
			return r.damaged("a record that cannot be read")
		}
		found++
		all[id].Records = append(all[id].Records, rec)
		return nil
	}
	for {
		kind, body, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && (kind == blockSection) != (r.at == int64(len(body)+12)) {
			err = r.damaged("it does not begin with one section, and no more")
		}
		if err == nil {
			err = take(kind, body, &all, &r, add)
		}
		if err != nil {
			return nil, err
		}
	}
	if found == 0 {
		return nil, errors.New("no recording of vrrpx: no record is in it")
	}
	for i := range all {
		slices.SortStableFunc(all[i].Records, func(a, b Record) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return all, nil
}

// take reads one block.
func take(kind uint32, body []byte, all *[]Capture, r *blockReader, add func(uint64, []byte) error) error {
	var failed error
	whole := true
	switch kind {
	case blockSection:
		if len(body) < 16 || binary.LittleEndian.Uint32(body) != byteOrderMagic {
			return errNotOurs
		}
	case blockInterface:
		c := Capture{}
		if len(body) < 8 {
			return r.damaged("an interface that is cut off")
		}
		whole = options(body[8:], func(code uint16, value []byte) {
			switch code {
			case optName:
				c.Interface = string(value)
			case optDescription:
				c.Router = strings.TrimPrefix(string(value), described)
			}
		})
		*all = append(*all, c)
	case blockPacket:
		if len(body) < 20 {
			return r.damaged("a packet that is cut off")
		}
		id, n := binary.LittleEndian.Uint32(body), uint64(binary.LittleEndian.Uint32(body[12:]))
		padded := (n + 3) &^ 3
		if padded > uint64(len(body)-20) {
			return r.damaged("a packet that is cut off")
		}
		whole = options(body[20+padded:], func(code uint16, value []byte) {
			if text, ok := bytes.CutPrefix(value, []byte(recordMark)); ok && code == optComment && failed == nil {
				failed = add(uint64(id), text)
			}
		})
	case blockJournal:
		var id, text []byte
		entry(body, func(name string, value []byte) {
			switch name {
			case ownerField:
				id = value
			case recordField:
				text = value
			}
		})
		if text != nil {
			n, err := strconv.ParseUint(string(id), 10, 32)
			if err != nil {
				return r.damaged("a record of nobody")
			}
			failed = add(n, text)
		}
	}
	if !whole && failed == nil {
		failed = r.damaged("options that cannot be read")
	}
	return failed
}

// earliest is the capture whose next record was stepped first; -1 at the end.
func earliest(captures []Capture, next []int) int {
	first := -1
	for i := range captures {
		if next[i] == len(captures[i].Records) {
			continue
		}
		if first < 0 || captures[i].Records[next[i]].Done < captures[first].Records[next[first]].Done {
			first = i
		}
	}
	return first
}
