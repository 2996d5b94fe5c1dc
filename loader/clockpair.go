package loader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A vethPair is the two ends, a and b, of the veth pair in which the seeds of the
// advert clock circulate.
type vethPair struct {
	name  string // of a and b, but for the last letter
	index [2]uint32
}

const (
	pairPrefix = "vrrpx"
	pairAlias  = "vrrpx advert clock, pid %d, started %d"
	pairMTU    = 4000 // more than the longest seed
)

// pairMAC marks an end from the moment it is made: what carries it and no alias
// is being made, or its maker has been killed just then. Local, "vrpx", a or b.
func pairMAC(end int) net.HardwareAddr { return net.HardwareAddr{2, 'v', 'r', 'p', 'x', byte(end)} }

// rtnl speaks netlink in the network namespace in which it was opened, whatever
// thread calls.
type rtnl struct {
	*netlink.Handle
	socket *nl.SocketHandle
}

func openRtnl() (*rtnl, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	s, err := nl.GetNetlinkSocketAt(netns.None(), netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		h.Close()
		return nil, err
	}
	return &rtnl{h, &nl.SocketHandle{Socket: s}}, nil
}

func (r *rtnl) close() {
	r.Handle.Close()
	r.socket.Close()
}

// do makes one request and waits for its answer.
func (r *rtnl) do(kind, flags int, data ...nl.NetlinkRequestData) error {
	req := nl.NewNetlinkRequest(kind, flags|unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: r.socket}
	for _, d := range data {
		req.AddData(d)
	}
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// addPair makes a pair under the first name that is free, with the queues of both
// ends, still down.
func (r *rtnl) addPair() (p vethPair, err error) {
	for n := 0; ; n++ {
		p.name = fmt.Sprintf("%s%d", pairPrefix, n)
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU, attrs.HardwareAddr = p.name+"a", pairMTU, pairMAC(0)
		err = r.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: p.name + "b", PeerHardwareAddr: pairMAC(1), PeerMTU: pairMTU})
		if err == nil {
			ownPair(p.name, true)
			break
		}
		if !errors.Is(err, unix.EEXIST) || n == 999 {
			return p, fmt.Errorf("no veth pair: %w", err)
		}
	}
	for end, letter := range []string{"a", "b"} {
		l, err := r.LinkByName(p.name + letter)
		if err == nil {
			p.index[end] = uint32(l.Attrs().Index)
			err = r.prepare(l)
		}
		if err != nil {
			return p, errors.Join(err, r.removePair(p))
		}
	}
	return p, nil
}

func (r *rtnl) prepare(l netlink.Link) error {
	if err := r.LinkSetAlias(l, ownAlias()); err != nil {
		return fmt.Errorf("alias of %s: %w", l.Attrs().Name, err)
	}
	if err := r.LinkSetARPOff(l); err != nil {
		return fmt.Errorf("no ARP on %s: %w", l.Attrs().Name, err)
	}
	// Nothing but the seed is to be on the pair. Without IPv6 in the kernel this fails.
	_ = r.noLinkLocal(l.Attrs().Index)
	return r.addQueue(l.Attrs().Index)
}

// noLinkLocal has the kernel give the interface no IPv6 address.
func (r *rtnl) noLinkLocal(index int) error {
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	spec := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
	const addrGenModeNone = 1 // IN6_ADDR_GEN_MODE_NONE
	spec.AddRtAttr(unix.AF_INET6, nil).AddRtAttr(unix.IFLA_INET6_ADDR_GEN_MODE, nl.Uint8Attr(addrGenModeNone))
	return r.do(unix.RTM_NEWLINK, 0, msg, spec)
}

// The parameters of the tbf, see SEED_MIN in bpf/abi.h: at a byte in 2^byteNS ns the
// size table says how long a seed of each length is held back. Newer kernels, and
// older ones with the fix, hold what a table makes of a length to 2^20 (seen: 6.1.190),
// so a byte cannot be a nanosecond.
const (
	seedMin    = 64 // SEED_MIN
	sleepFine  = 8  // SLEEP_FINE
	sleepUnit  = 12 // SLEEP_UNIT
	sleepSteps = 9 << sleepFine
	byteNS     = 8
	tbfRate    = 1_000_000_000 >> byteNS // bytes a second: no remainder
	burstNS    = 300_000_000             // BURST_NS in bpf/clock.h: more than the longest sleep, or it would be dropped
	tbfBurst   = burstNS >> byteNS

	tbfHandle       = 1 << 16 // 1:
	linkEthernet    = 1       // TC_LINKLAYER_ETHERNET: no rate table from us
	tcaStabBase     = 1
	tcaStabData     = 2
	clsactParent    = 0xfffffff1 // TC_H_CLSACT
	clsactHandle    = 0xffff0000
	ingressOfClsact = 0xfffffff2 // TC_H_MIN_INGRESS
)

// sleepUnits is how long a seed n longer than seedMin sleeps, in units of
// 2^sleepUnit ns.
func sleepUnits(n int) uint16 {
	if n < 2<<sleepFine {
		return uint16(n)
	}
	return uint16((1<<sleepFine + n%(1<<sleepFine)) << (n>>sleepFine - 1))
}

// addQueue gives an interface its tbf, and that a queue of one frame of which a
// second pushes out the first.
func (r *rtnl) addQueue(index int) error {
	native := binary.NativeEndian
	size := make([]byte, 24) // struct tc_sizespec
	size[1] = sleepUnit - byteNS
	cellAlign := int16(-seedMin)
	native.PutUint16(size[2:], uint16(cellAlign))
	native.PutUint32(size[20:], sleepSteps)
	table := make([]byte, 0, 2*sleepSteps)
	for n := range sleepSteps {
		table = native.AppendUint16(table, sleepUnits(n))
	}
	stab := nl.NewRtAttr(nl.TCA_STAB, nil)
	stab.AddRtAttr(tcaStabBase, size)
	stab.AddRtAttr(tcaStabData, table)

	params := make([]byte, 36) // struct tc_tbf_qopt; the limit stays 0, since the queue is not tbf's own
	params[1] = linkEthernet
	native.PutUint32(params[8:], tbfRate)
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	options.AddRtAttr(nl.TCA_TBF_PARMS, params)
	options.AddRtAttr(nl.TCA_TBF_BURST, nl.Uint32Attr(tbfBurst))
	const create = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
	root := &nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Handle: tbfHandle, Parent: netlink.HANDLE_ROOT}
	if err := r.do(unix.RTM_NEWQDISC, create, root, nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("tbf")), options, stab); err != nil {
		return fmt.Errorf("no tbf: %w", err)
	}
	child := &nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Parent: tbfHandle | 1}
	limit := nl.NewRtAttr(nl.TCA_OPTIONS, nl.Uint32Attr(1)) // struct tc_fifo_qopt
	if err := r.do(unix.RTM_NEWQDISC, create, child, nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("pfifo_head_drop")), limit); err != nil {
		return fmt.Errorf("no pfifo_head_drop: %w", err)
	}
	return nil
}

// removePair removes a pair, which may be gone.
func (r *rtnl) removePair(p vethPair) error {
	ownPair(p.name, false)
	l, err := r.LinkByName(p.name + "a")
	if err == nil && p.index[0] != 0 && l.Attrs().Index != int(p.index[0]) {
		return nil // ours has gone, and the name is another's
	}
	if err == nil {
		return r.removeLink(l)
	}
	if gone := (netlink.LinkNotFoundError{}); errors.As(err, &gone) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %sa: %w", p.name, err)
	}
	return nil
}

// removeLink removes one end of a pair; the other goes with it.
func (r *rtnl) removeLink(l netlink.Link) error {
	if err := r.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("remove %s: %w", l.Attrs().Name, err)
	}
	return nil
}

// addFilter attaches the entry program as a filter, where the kernel has no tcx.
func (r *rtnl) addFilter(index uint32, prog int, name string) error {
	q := &nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Handle: clsactHandle, Parent: clsactParent}
	if err := r.do(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, q, nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("clsact"))); err != nil {
		return fmt.Errorf("no clsact: %w", err)
	}
	const prio, all = 1, unix.ETH_P_ALL>>8&0xff | unix.ETH_P_ALL<<8&0xff00
	f := &nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(index), Parent: ingressOfClsact, Info: prio<<16 | all}
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	options.AddRtAttr(nl.TCA_BPF_FD, nl.Uint32Attr(uint32(prog)))
	options.AddRtAttr(nl.TCA_BPF_NAME, nl.ZeroTerminated(name))
	options.AddRtAttr(nl.TCA_BPF_FLAGS, nl.Uint32Attr(nl.TCA_BPF_FLAG_ACT_DIRECT))
	if err := r.do(unix.RTM_NEWTFILTER, unix.NLM_F_CREATE|unix.NLM_F_EXCL, f, nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("bpf")), options); err != nil {
		return fmt.Errorf("no cls_bpf: %w", err)
	}
	return nil
}

// ownAlias says whose a pair is: a process id alone may be another's by now.
func ownAlias() string {
	started, _ := startTime(os.Getpid())
	return fmt.Sprintf(pairAlias, os.Getpid(), started)
}

var errEnded = errors.New("the process has ended")

// startTime is when a process started, in ticks since boot (proc(5), field 22).
func startTime(pid int) (ticks uint64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field may contain anything, in parentheses.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) > 0 && (fields[0] == "Z" || fields[0] == "X") {
		return 0, errEnded
	}
	if len(fields) < 20 {
		return 0, fmt.Errorf("/proc/%d/stat: %d fields", pid, len(fields))
	}
	_, err = fmt.Sscan(fields[19], &ticks)
	return ticks, err
}
