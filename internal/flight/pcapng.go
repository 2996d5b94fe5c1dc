package flight

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The blocks of pcapng that a recording has (draft-ietf-opsawg-pcapng, and for the
// systemd Journal Export Block draft-richardson-opsawg-pcapng-extras). A Custom Block
// would need a Private Enterprise Number, and no tool would show what is in it; a
// journal entry Wireshark shows.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 6 // Enhanced Packet Block
	blockJournal   = 9

	byteOrderMagic = 0x1a2b3c4d
	linkEthernet   = 1
)

// Options. Numbers are of the block that they are in.
const (
	optEnd         = 0
	optComment     = 1
	optApplication = 4 // of a section
	optName        = 2 // of an interface
	optDescription = 3
	optResolution  = 9
	optFlags       = 2 // of a packet
)

// inbound is the packet flags' direction.
const inbound = 1

// Magic begins every pcapng file.
var Magic = [4]byte{0x0a, 0x0d, 0x0d, 0x0a}

// blocks appends blocks to a file, little endian.
type blocks struct{ b []byte }

func (w *blocks) u16(v uint16) { w.b = binary.LittleEndian.AppendUint16(w.b, v) }
func (w *blocks) u32(v uint32) { w.b = binary.LittleEndian.AppendUint32(w.b, v) }

// pad fills up to 32 bits; all blocks begin on such a boundary.
func (w *blocks) pad() {
	for len(w.b)%4 != 0 {
		w.b = append(w.b, 0)
	}
}

// block writes one of a type, whose body is what f appends.
func (w *blocks) block(kind uint32, f func()) {
	start := len(w.b)
	w.u32(kind)
	w.u32(0)
	f()
	w.pad()
	w.u32(uint32(len(w.b) - start + 4))
	binary.LittleEndian.PutUint32(w.b[start+4:], uint32(len(w.b)-start))
}

// maxOption is the longest value of an option: its length has 16 bits.
const maxOption = 0xffff

func (w *blocks) option(code uint16, value string) {
	value = value[:min(len(value), maxOption)]
	w.u16(code)
	w.u16(uint16(len(value)))
	w.b = append(w.b, value...)
	w.pad()
}

func (w *blocks) section(application, comment string) {
	w.block(blockSection, func() {
		w.u32(byteOrderMagic)
		w.u16(1) // version 1.0
		w.u16(0)
		w.u32(0xffffffff) // length of the section: not told
		w.u32(0xffffffff)
		w.option(optComment, comment)
		w.option(optApplication, application)
		w.option(optEnd, "")
	})
}

// iface is an interface, whose stamps are in nanoseconds.
func (w *blocks) iface(name, description string) {
	w.block(blockInterface, func() {
		w.u16(linkEthernet)
		w.u16(0)
		w.u32(0) // no snapshot length
		w.option(optName, name)
		w.option(optDescription, description)
		w.option(optResolution, "\x09")
		w.option(optEnd, "")
	})
}

// packet is a frame that came at so many nanoseconds since 1970.
func (w *blocks) packet(iface uint32, at int64, frame []byte, comments ...string) {
	w.block(blockPacket, func() {
		w.u32(iface)
		w.u32(uint32(uint64(at) >> 32))
		w.u32(uint32(at))
		w.u32(uint32(len(frame)))
		w.u32(uint32(len(frame)))
		w.b = append(w.b, frame...)
		w.pad()
		for _, c := range comments {
			w.option(optComment, c)
		}
		w.option(optFlags, string([]byte{inbound, 0, 0, 0}))
		w.option(optEnd, "")
	})
}

// journal is an entry in systemd's Journal Export Format: NAME=value lines. The
// values have no line break.
func (w *blocks) journal(fields ...[2]string) {
	w.block(blockJournal, func() {
		for _, f := range fields {
			w.b = append(w.b, f[0]...)
			w.b = append(w.b, '=')
			w.b = append(w.b, f[1]...)
			w.b = append(w.b, '\n')
		}
	})
}

// blockReader reads the blocks of a file, of which it keeps one at a time.
type blockReader struct {
	r    io.Reader
	body []byte
	at   int64
}

// maxBlock is more than any block of ours has.
const maxBlock = 4 << 20

var errNotOurs = errors.New("a pcapng file of another byte order: vrrpx writes little endian")

// next is the type and the body of the next block; io.EOF where the file ends.
func (r *blockReader) next() (kind uint32, body []byte, err error) {
	var head [8]byte
	if n, err := io.ReadFull(r.r, head[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return 0, nil, io.EOF
		}
		return 0, nil, r.damaged("a block is cut off")
	}
	kind, size := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[4:])
	if size%4 != 0 || size < 12 || size > maxBlock {
		if kind == blockSection && r.at == 0 && size&0xffff == 0 {
			return 0, nil, errNotOurs
		}
		return 0, nil, r.damaged(fmt.Sprintf("a block of %d octets", size))
	}
	r.body = append(r.body[:0], make([]byte, size-8)...)
	if _, err := io.ReadFull(r.r, r.body); err != nil {
		return 0, nil, r.damaged("a block is cut off")
	}
	if binary.LittleEndian.Uint32(r.body[size-12:]) != size {
		return 0, nil, r.damaged("a block's two lengths differ")
	}
	r.at += int64(size)
	return kind, r.body[:size-12], nil
}

func (r *blockReader) damaged(what string) error {
	return fmt.Errorf("%w: %s, at octet %d", ErrDamaged, what, r.at)
}

// options calls f for each of a list; it is false when they cannot be read.
func options(b []byte, f func(code uint16, value []byte)) bool {
	for len(b) >= 4 {
		code, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if code == optEnd {
			return true
		}
		padded := (n + 3) &^ 3
		if padded > len(b)-4 {
			return false
		}
		f(code, b[4:4+n])
		b = b[4+padded:]
	}
	return len(b) == 0
}

// entry calls f for each field of a journal entry. Values in the binary form are not
// ours; an entry with one is read up to there.
func entry(b []byte, f func(name string, value []byte)) {
	for _, line := range bytes.Split(bytes.TrimRight(b, "\x00"), []byte("\n")) {
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			return
		}
		f(string(name), value)
	}
}
