package testnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// A few nf_tables messages, made by hand so that the demo needs neither the
// nft program nor another library. Source: linux/netfilter/nf_tables.h.

// nftDrop is a table with one chain per hook, each of which drops what has
// value under the meta key (NFT_META_*), and what and asks besides, and accepts
// the rest.
type nftDrop struct {
	family uint8
	table  string
	hooks  []uint32
	key    uint32
	value  []byte
	and    []nftMatch
}

// nftMatch asks for a value under a meta key.
type nftMatch struct {
	key   uint32
	value []byte
}

// expressions load the value and leave the rule when it is another.
func (m nftMatch) expressions() []*nl.RtAttr {
	return []*nl.RtAttr{
		expression("meta", number(unix.NFTA_META_KEY, m.key), number(unix.NFTA_META_DREG, unix.NFT_REG_1)),
		expression("cmp", number(unix.NFTA_CMP_SREG, unix.NFT_REG_1), number(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ),
			nest(unix.NFTA_CMP_DATA, nl.NewRtAttr(unix.NFTA_DATA_VALUE, m.value))),
	}
}

// add makes the table in the calling thread's namespace, in one transaction.
func (d nftDrop) add() error {
	batch := nftBatch{family: d.family}
	batch.add(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, text(unix.NFTA_TABLE_NAME, d.table))
	for _, hook := range d.hooks {
		chain := fmt.Sprintf("hook%d", hook)
		batch.add(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
			text(unix.NFTA_CHAIN_TABLE, d.table),
			text(unix.NFTA_CHAIN_NAME, chain),
			nest(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, hook), number(unix.NFTA_HOOK_PRIORITY, 0)),
			text(unix.NFTA_CHAIN_TYPE, "filter"))
		rule := nftMatch{d.key, d.value}.expressions()
		for _, m := range d.and {
			rule = append(rule, m.expressions()...)
		}
		rule = append(rule, expression("immediate", number(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT),
			nest(unix.NFTA_IMMEDIATE_DATA, nest(unix.NFTA_DATA_VERDICT, number(unix.NFTA_VERDICT_CODE, 0))))) // NF_DROP
		batch.add(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
			text(unix.NFTA_RULE_TABLE, d.table),
			text(unix.NFTA_RULE_CHAIN, chain),
			nest(unix.NFTA_RULE_EXPRESSIONS, rule...))
	}
	return batch.commit()
}

// remove deletes the table; one that is not there is no error.
func (d nftDrop) remove() error {
	batch := nftBatch{family: d.family}
	batch.add(unix.NFT_MSG_DELTABLE, 0, text(unix.NFTA_TABLE_NAME, d.table))
	if err := batch.commit(); !errors.Is(err, unix.ENOENT) {
		return err
	}
	return nil
}

func text(typ int, s string) *nl.RtAttr { return nl.NewRtAttr(typ, nl.ZeroTerminated(s)) }
func number(typ int, v uint32) *nl.RtAttr {
	return nl.NewRtAttr(typ, binary.BigEndian.AppendUint32(nil, v))
}

func nest(typ int, attrs ...*nl.RtAttr) *nl.RtAttr {
	n := nl.NewRtAttr(typ|unix.NLA_F_NESTED, nil)
	for _, a := range attrs {
		n.AddChild(a)
	}
	return n
}

func expression(name string, attrs ...*nl.RtAttr) *nl.RtAttr {
	return nest(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, name), nest(unix.NFTA_EXPR_DATA, attrs...))
}

// nftBatch is a transaction: all of its messages take effect or none does.
type nftBatch struct {
	family uint8
	bytes  []byte
	count  uint32
}

func (b *nftBatch) add(msg, flags int, attrs ...*nl.RtAttr) {
	if b.count == 0 {
		b.append(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.NFNL_SUBSYS_NFTABLES)
	}
	b.count++
	b.append(unix.NFNL_SUBSYS_NFTABLES<<8|msg, flags|unix.NLM_F_ACK, 0, attrs...)
}

func (b *nftBatch) append(typ, flags int, resource uint16, attrs ...*nl.RtAttr) {
	req := nl.NetlinkRequest{NlMsghdr: unix.NlMsghdr{
		Len: unix.SizeofNlMsghdr, Type: uint16(typ), Flags: uint16(unix.NLM_F_REQUEST | flags), Seq: b.count,
	}}
	family := b.family
	if resource != 0 {
		family = unix.AF_UNSPEC
	}
	req.AddRawData(binary.BigEndian.AppendUint16([]byte{family, unix.NFNETLINK_V0}, resource))
	for _, a := range attrs {
		req.AddRawData(a.Serialize())
	}
	b.bytes = append(b.bytes, req.Serialize()...)
}

// commit sends the batch and waits until the kernel has answered each message.
func (b *nftBatch) commit() error {
	count := b.count
	b.append(unix.NFNL_MSG_BATCH_END, 0, unix.NFNL_SUBSYS_NFTABLES)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return fmt.Errorf("nf_tables: %w", err)
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(5 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return fmt.Errorf("nf_tables: %w", err)
	}
	if err := unix.Sendto(fd, b.bytes, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("nf_tables: send: %w", err)
	}
	buf := make([]byte, os.Getpagesize()*4)
	for count > 0 {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return fmt.Errorf("nf_tables: receive: %w", err)
		}
		// nlmsghdr, then the error as a negated errno, 0 for an acknowledgement.
		for rest := buf[:n]; len(rest) >= unix.SizeofNlMsghdr+4; count-- {
			size := int(binary.NativeEndian.Uint32(rest))
			if size < unix.SizeofNlMsghdr+4 || size > len(rest) {
				return errors.New("nf_tables: malformed answer from the kernel")
			}
			if code := int32(binary.NativeEndian.Uint32(rest[unix.SizeofNlMsghdr:])); code != 0 {
				return fmt.Errorf("nf_tables: %w", unix.Errno(-code))
			}
			rest = rest[min((size+3)&^3, len(rest)):]
		}
	}
	return nil
}
