package loader

import "fmt"

// Mode is where the program runs.
type Mode uint8

// The modes.
const (
	Auto    Mode = iota // native where the driver has it, else generic
	Native              // in the driver, before the kernel makes a packet of the frame
	Generic             // in the kernel's own receive path: any interface, a copy dearer
	Off                 // not at all
)

var modeNames = [...]string{"auto", "native", "generic", "off"}

// String returns the name that ParseMode reads.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// ParseMode reads auto, native, generic or off, and fails on anything else.
func ParseMode(s string) (Mode, error) {
	for i, name := range modeNames {
		if s == name {
			return Mode(i), nil
		}
	}
	return Auto, fmt.Errorf("unknown XDP mode %q: it is auto, native, generic or off", s)
}
