package loader

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pairs are the names of this process's own.
var pairs struct {
	sync.Mutex
	ours map[string]bool
}

func ownPair(name string, own bool) {
	pairs.Lock()
	defer pairs.Unlock()
	if pairs.ours == nil {
		pairs.ours = map[string]bool{}
	}
	if own {
		pairs.ours[name] = true
	} else {
		delete(pairs.ours, name)
	}
}

var pairName = regexp.MustCompile(`^(` + pairPrefix + `[0-9]+)a$`)

// CleanupClock removes, from the network namespace of the calling thread, the veth
// pairs of advert clocks whose process has died, and returns their names. A pair
// that a living process uses, or that is not ours, is left alone.
func CleanupClock() (removed []string, err error) {
	r, err := openRtnl()
	if err != nil {
		return nil, err
	}
	defer r.close()
	links, err := r.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // one that comes or goes meanwhile is not ours
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	var errs []error
	for _, l := range links {
		if !r.isDead(l) {
			continue
		}
		name := pairName.FindStringSubmatch(l.Attrs().Name)[1]
		if err := r.removeLink(l); err != nil { // by index: the name may be another's by now
			errs = append(errs, err)
			continue
		}
		removed = append(removed, name+"a", name+"b")
	}
	return removed, errors.Join(errs...)
}

// isDead tells whether an interface is the first end of a pair of ours whose
// process has died.
func (r *rtnl) isDead(l netlink.Link) bool {
	a := l.Attrs()
	name := pairName.FindStringSubmatch(a.Name)
	if name == nil || l.Type() != "veth" || !bytes.Equal(a.HardwareAddr, pairMAC(0)) {
		return false
	}
	if a.Alias == "" { // being made, or left by a process killed just then
		const making = 200 * time.Millisecond
		time.Sleep(making)
		again, err := r.LinkByIndex(a.Index)
		if err != nil || again.Attrs().Alias != "" {
			return false
		}
	}
	if a.Alias != "" && lives(name[1], a.Alias) {
		return false
	}
	// Its process may live where we cannot see it, as in another container on the
	// network of the host; the link of its program says so.
	q, err := link.QueryPrograms(link.QueryOptions{Target: a.Index, Attach: ebpf.AttachTCXIngress})
	if err != nil { // before 6.6 there is nothing to ask
		return errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EINVAL)
	}
	return len(q.Programs) == 0
}

// lives tells whether the process that an alias names still uses the pair.
func lives(name, alias string) bool {
	var pid int
	var started uint64
	if _, err := fmt.Sscanf(alias, pairAlias, &pid, &started); err != nil {
		return true // not ours, whatever it is
	}
	if pid == os.Getpid() {
		pairs.Lock()
		defer pairs.Unlock()
		return pairs.ours[name]
	}
	now, err := startTime(pid)
	if err != nil {
		return !errors.Is(err, errEnded) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ESRCH)
	}
	return now == started
}
