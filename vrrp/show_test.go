package vrrp

import (
	"fmt"
	"strconv"
)

// show writes effects as tests and conversations compare them.
func show(effects []Effect) []string {
	var lines []string
	for _, e := range effects {
		lines = append(lines, showEffect(e))
	}
	return lines
}

func showEffect(e Effect) string {
	switch e := e.(type) {
	case Transition:
		return fmt.Sprintf("%v -> %v (%v)", e.From, e.To, e.Reason.Code)
	case SendAdvert:
		return "send " + itoa(e.Priority)
	case TakeVIPs:
		return "take VIPs"
	case ReleaseVIPs:
		return "release VIPs"
	case Announce:
		if e.Lower {
			return "announce lower"
		}
		return "announce"
	case AskTakeover:
		return fmt.Sprintf("ask (%v)", e.Reason.Code)
	case Note:
		return fmt.Sprintf("note %v %v", e.Kind, e.Advert.Src)
	}
	return fmt.Sprintf("%T", e)
}

// showInput writes an input for a failure message.
func showInput(in Input) string {
	if h, ok := in.(Heard); ok {
		return fmt.Sprintf("Heard %v priority %d every %v %v", h.Src, h.Priority, h.Interval, h.Addrs)
	}
	return fmt.Sprintf("%T%+v", in, in)
}

func itoa(n uint8) string { return strconv.Itoa(int(n)) }
