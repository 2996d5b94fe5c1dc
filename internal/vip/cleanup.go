package vip

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Cleanup removes the addresses and devices that a killed process left in the
// network namespace of the calling thread, according to its state file, puts
// back the settings that it changed, and removes the file. It tells what it did.
// Without a state file there is nothing to do. It is an error when the process
// is alive, or when the file cannot be trusted.
func Cleanup(stateFile string) (removed []string, err error) {
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

// clean does it for one who has the lock, and leaves the file. It runs on the
// caller's thread, which is in the namespace.
func clean(stateFile string, here state) (removed []string, err error) {
	left, err := load(stateFile, here)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	changes, names, err := present(left)
	if err != nil {
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
			removed = append(removed, names[i])
		case !isAbsent(err) && !isGone(err):
			failed = append(failed, fmt.Errorf("%s: %w", names[i], err))
		}
	}
	for _, s := range left.Settings {
		switch done, err := s.restore(); {
		case err != nil:
			failed = append(failed, err)
		case done:
			removed = append(removed, fmt.Sprintf("setting %s = %d, back to %d", s.sysctl, s.New, s.Old))
		}
	}
	if len(failed) > 0 {
		return removed, fmt.Errorf("left by process %d, not removable: %w", left.PID, errors.Join(failed...))
	}
	return removed, nil
}

// present makes removals of what of the state is on the host, and names them.
// A device goes with its addresses; one that is not exactly as it was made is
// somebody else's.
func present(left state) (changes []change, names []string, err error) {
	if len(left.Addresses)+len(left.Devices)+len(left.Routes)+len(left.Rules) == 0 {
		return nil, nil, nil
	}
	d, err := openDumper()
	if err != nil {
		return nil, nil, err
	}
	defer d.close()
	host, err := d.addresses()
	if err != nil {
		return nil, nil, err
	}
	links, err := d.links()
	if err != nil {
		return nil, nil, err
	}
	if changes, names, err = presentRoutes(left, d, links); err != nil {
		return nil, nil, err
	}
	there := map[place]hostAddress{}
	for _, a := range host {
		there[place{links[a.index].Name, a.prefix}] = a
	}
	for _, e := range left.Addresses {
		a := Address{Prefix: e.Address, Device: e.Device}
		if on, ok := there[a.place()]; ok {
			a.Peer = on.peer // the kernel would find nothing without
			changes = append(changes, change{remove: true, address: a, index: on.index})
			names = append(names, "address "+a.String())
		}
	}
	for _, v := range left.Devices {
		for index, l := range links {
			if l.Name == v.Name && l.private && bytes.Equal(l.MAC, v.MAC[:]) && links[l.parent].Name == v.Base {
				changes = append([]change{{other: removing(index)}}, changes...)
				names = append([]string{"device " + v.String()}, names...)
			}
		}
	}
	return changes, names, nil
}

// presentRoutes is present of routes and rules. They go before the addresses,
// with which the kernel would remove some of them.
func presentRoutes(left state, d dumper, links map[int]Link) (changes []change, names []string, err error) {
	asked := newTables()
	for i := range left.Routes {
		asked.add(&left.Routes[i], nil)
	}
	for i := range left.Rules {
		asked.add(nil, &left.Rules[i])
	}
	routes, rules, err := asked.read(d)
	if err != nil {
		return nil, nil, err
	}
	at := func(name string) int {
		for index, l := range links {
			if l.Name == name {
				return index
			}
		}
		return 0
	}
	for _, r := range slices.Backward(left.Rules) {
		if rules[r.Bare()] {
			changes = append(changes, change{other: ruleMessage(&r, unix.RTM_DELRULE)})
			names = append(names, "rule "+r.String())
		}
	}
	for _, r := range slices.Backward(left.Routes) {
		if slices.ContainsFunc(routes[keyOf(&r)], func(h heardRoute) bool { return len(r.Hops) > 0 || h.is(&r, at) }) {
			changes = append(changes, change{other: delRoute(&r, at)})
			names = append(names, "route "+r.String())
		}
	}
	return changes, names, nil
}

// isAbsent tells whether a removal failed because there was nothing to remove.
func isAbsent(err error) bool {
	return errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENODEV)
}
