package vip

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Cleanup removes the addresses that a killed process left in the network
// namespace of the calling thread, according to its state file, and the file.
// It tells which it removed. Without a state file there is nothing to do. It is
// an error when the process is alive, or when the file cannot be trusted.
func Cleanup(stateFile string) (removed []Address, err error) {
	lock, err := lockFor(stateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	here, err := newState()
	if err != nil {
		return nil, err
	}
	removed, err = clean(stateFile, here)
	if err != nil {
		return removed, err
	}
	if err := os.Remove(stateFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return removed, fmt.Errorf("state file: %w", err)
	}
	return removed, nil
}

// clean does it for one who has the lock, and leaves the file.
func clean(stateFile string, here state) (removed []Address, err error) {
	left, err := load(stateFile, here)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || len(left.Addresses) == 0 {
		return nil, err
	}
	changes, err := present(left.Addresses)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	kernel, err := openRequester()
	if err != nil {
		return nil, err
	}
	defer kernel.close()
	var failed []error
	for i, err := range kernel.apply(changes) {
		switch {
		case err == nil:
			removed = append(removed, changes[i].address)
		case !isAbsent(err):
			failed = append(failed, AddressError{changes[i].address, err})
		}
	}
	if len(failed) > 0 {
		return removed, fmt.Errorf("left by process %d, not removable: %w", left.PID, errors.Join(failed...))
	}
	return removed, nil
}

// present makes removals of those of the addresses that are on the host.
func present(entries []stateEntry) ([]change, error) {
	d, err := openDumper()
	if err != nil {
		return nil, err
	}
	defer d.close()
	host, err := d.addresses()
	if err != nil {
		return nil, err
	}
	links, err := d.links()
	if err != nil {
		return nil, err
	}
	there := map[place]hostAddress{}
	for _, a := range host {
		there[place{links[a.index].Name, a.prefix}] = a
	}
	var changes []change
	for _, e := range entries {
		a := Address{Prefix: e.Address, Device: e.Device}
		if on, ok := there[a.place()]; ok {
			a.Peer = on.peer // the kernel would find nothing without
			changes = append(changes, change{remove: true, address: a, index: on.index})
		}
	}
	return changes, nil
}

// isAbsent tells whether a removal failed because there was nothing to remove.
func isAbsent(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV)
}
