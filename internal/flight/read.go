package flight

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"

	"github.com/vrrpx/vrrpx/vrrp"
)

// Records yields what Ring.Copy returned: the records from the oldest keyframe on,
// since what is before it cannot be stepped again. Where the octets are cut off or
// damaged it ends with an error that wraps ErrDamaged.
func Records(b []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		begun := false
		for at := 0; at < len(b); {
			body, n, err := frame(b[at:])
			var r Record
			if err == nil {
				r, err = record(body)
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("%w: at octet %d of %d", err, at, len(b)))
				return
			}
			at += n
			if begun = begun || r.keyframe(); begun && !yield(r, nil) {
				return
			}
		}
	}
}

// Read is all of Records: those before an error, and the error.
func Read(b []byte) ([]Record, error) {
	var all []Record
	for r, err := range Records(b) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// frame is the first record's body, and how long it is with its head.
func frame(b []byte) (body []byte, n int, err error) {
	if len(b) < frameHead {
		return nil, 0, ErrDamaged
	}
	size, sum := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if uint64(size) > uint64(len(b)-frameHead) {
		return nil, 0, ErrDamaged
	}
	n = frameHead + int(size)
	if body = b[frameHead:n]; crc32.Checksum(body, castagnoli) != sum {
		return nil, 0, ErrDamaged
	}
	return body, n, nil
}

// Since leaves of a capture what happened after from, and of what was before that
// from the last keyframe on, without which it could not be stepped again.
func (c *Capture) Since(from vrrp.Instant) { c.Records = since(c.Records, from) }
