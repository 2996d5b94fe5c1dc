package vip

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// change is one address to add to the host or to remove from it, or, where
// other is set, a change of something else.
type change struct {
	remove  bool
	address Address
	index   int
	other   *nl.NetlinkRequest
}

func (c change) request() *nl.NetlinkRequest {
	switch {
	case c.other != nil:
		return c.other
	case c.remove:
		return c.address.message(unix.RTM_DELADDR, c.index)
	}
	return c.address.message(unix.RTM_NEWADDR, c.index)
}

// requester asks the kernel for changes.
type requester struct {
	*socket
	seq  uint32
	send func([]byte) error // one sendmsg; tests count and delay it
}

func openRequester() (*requester, error) {
	s, err := openSocket(0)
	if err != nil {
		return nil, err
	}
	r := &requester{socket: s}
	r.send = func(b []byte) error {
		return unix.Sendto(s.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	// Answers without the request in them, and the kernel's words for an
	// error. Both are old (4.2, 4.12); without them the errno is still there.
	unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1)
	unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	return r, nil
}

// batch bounds the changes in one sendmsg: below it they fit the smallest send
// buffer, and their errors the smallest receive buffer, that a host has.
const batch = 256

// errNoAnswer says that a change was sent and its outcome is not known.
var errNoAnswer = errors.New("the kernel's answer was lost")

// apply makes the changes in order and tells each one's error. It blocks for
// as long as others hold the kernel's RTNL lock.
func (r *requester) apply(changes []change) []error {
	errs := make([]error, len(changes))
	for done := 0; done < len(changes); done += batch {
		end := min(done+batch, len(changes))
		r.applyBatch(changes[done:end], errs[done:end])
	}
	return errs
}

// applyBatch sends all in one go. The kernel takes the messages in order and
// goes on after one that fails (netlink_rcv_skb); it answers errors unasked, so
// one acknowledgement, of the last, is enough to know that all is done.
func (r *requester) applyBatch(changes []change, errs []error) {
	var out []byte
	first := r.seq + 1
	for i, c := range changes {
		req := c.request()
		r.seq++
		req.Seq = r.seq
		if i == len(changes)-1 {
			req.Flags |= unix.NLM_F_ACK
		}
		out = append(out, req.Serialize()...)
	}
	err := r.send(out)
	if err != nil && len(changes) > 1 { // none of it was done, and less may be let through
		half := len(changes) / 2
		r.applyBatch(changes[:half], errs[:half])
		r.applyBatch(changes[half:], errs[half:])
		return
	}
	if err == nil {
		err = r.answers(first, errs)
	}
	if err != nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
}

// answers collects what the kernel said to the messages numbered from first.
// All of it is there when sendmsg returns. Where some was lost for want of room
// (ENOBUFS), what has no error may have had one.
func (r *requester) answers(first uint32, errs []error) error {
	var lost error
	for {
		msgs, err := r.receive()
		if errors.Is(err, errLost) {
			lost = errNoAnswer
			continue
		}
		if err != nil || msgs == nil {
			return errNoAnswer
		}
		for _, m := range msgs {
			i := m.Header.Seq - first
			if m.Header.Type != unix.NLMSG_ERROR || uint64(i) >= uint64(len(errs)) {
				continue // to an earlier request whose answers were given up
			}
			errs[i] = parseError(m.Data, m.Header.Flags)
			if int(i) == len(errs)-1 {
				return lost
			}
		}
	}
}

// parseError reads a struct nlmsgerr: the errno, and where the kernel has it
// a sentence (NLMSGERR_ATTR_MSG).
func parseError(body []byte, flags uint16) error {
	if len(body) < 4+unix.SizeofNlMsghdr {
		return errMessage
	}
	code := int32(binary.NativeEndian.Uint32(body))
	if code == 0 {
		return nil
	}
	err := unix.Errno(-code)
	if flags&unix.NLM_F_ACK_TLVS == 0 {
		return err
	}
	rest := body[4:]
	skip := unix.SizeofNlMsghdr
	if flags&unix.NLM_F_CAPPED == 0 {
		skip = int(binary.NativeEndian.Uint32(rest)) // the whole request is repeated
	}
	if skip < 0 || skip > len(rest) {
		return err
	}
	attrs, parseErr := attributes(rest[skip:])
	if parseErr != nil {
		return err
	}
	for _, a := range attrs {
		if a.Attr.Type == nl.NLMSGERR_ATTR_MSG {
			return fmt.Errorf("%w (%s)", err, unix.ByteSliceToString(a.Value))
		}
	}
	return err
}
