package demo

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
	"github.com/vrrpx/vrrpx/vrrp"
)

// node is a load balancer.
type node struct {
	host   *testnet.Host
	daemon *testnet.Daemon
	watch  *watch
}

// state is the last that the daemon has logged, in the words it has in common
// with keepalived; empty before the first.
func (n *node) state() string {
	log := n.daemon.Log()
	const entering, state = "Entering ", " STATE"
	i := strings.LastIndex(log, entering)
	if i < 0 {
		return ""
	}
	word, _, _ := strings.Cut(log[i+len(entering):], state)
	return word
}

// settle waits until one load balancer is MASTER and holds the address, and
// the other, if there is one that counts, is BACKUP.
func (d *demo) settle(ctx context.Context, master, backup *node) error {
	ok := wait(ctx, func() bool {
		return master.state() == vrrp.Master.String() && master.host.HasAddr(vip) &&
			(backup == nil || backup.state() == vrrp.Backup.String() && !backup.host.HasAddr(vip))
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !ok {
		return fmt.Errorf("%s is not the one MASTER after %v", master.host.Name, patience)
	}
	// Let the adverts of the other and the answers under way pass.
	from := testnet.Now().Add(50 * time.Millisecond)
	if err := sleep(ctx, 200*time.Millisecond); err != nil {
		return err
	}
	return d.onlyHolder(ctx, master, backup, from)
}

// onlyHolder tells what is wrong if, since an instant, anybody but the holder
// has sent an advert or answered the client, or another has the address now.
// A nil other is a host that is down. What should happen is given some time.
func (d *demo) onlyHolder(ctx context.Context, holder, other *node, since vrrp.Instant) error {
	name := holder.host.Name
	if !wait(ctx, func() bool { return d.client.firstAnswer(holder.host, since) > 0 }) && ctx.Err() == nil {
		return fmt.Errorf("the client is not answered by %s", name)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !holder.host.HasAddr(vip) {
		return fmt.Errorf("%s does not hold %s", name, vip)
	}
	if other != nil && other.host.HasAddr(vip) {
		return fmt.Errorf("%s and %s both hold %s: split brain", name, other.host.Name, vip)
	}
	own, others := d.adverts(holder.host, since)
	if len(own) == 0 {
		return fmt.Errorf("%s holds %s but sends no adverts", name, vip)
	}
	if len(others) > 0 {
		return fmt.Errorf("two masters: another sent %d adverts while %s, MASTER, sent %d and was silent for up to %s ms",
			len(others), name, len(own), ms(longestSilence(own)))
	}
	for _, a := range d.client.answers() {
		if a.at >= since && !bytes.Equal(a.from, holder.host.MAC) {
			return fmt.Errorf("the client is answered by %s while %s is MASTER", a.from, name)
		}
	}
	return nil
}

// adverts returns those since an instant: of one host, and of all others.
func (d *demo) adverts(of *testnet.Host, since vrrp.Instant) (own, others []testnet.Frame) {
	for _, f := range d.tap.Frames() {
		switch {
		case f.At < since || !f.IsAdvert():
		case f.SrcIP() == of.Addr:
			own = append(own, f)
		default:
			others = append(others, f)
		}
	}
	return own, others
}

func longestSilence(frames []testnet.Frame) (longest time.Duration) {
	for i := 1; i < len(frames); i++ {
		longest = max(longest, frames[i].At.Sub(frames[i-1].At))
	}
	return longest
}
