package config

import (
	"strings"
	"testing"
)

func TestKernelTakeoverIsAskedFor(t *testing.T) {
	if r := router(t, "", ""); r.KernelTakeover {
		t.Error("it is the default")
	}
	if r := router(t, "", "vrrpx_kernel_takeover"); !r.KernelTakeover || r.TakeoverPos.Line == 0 {
		t.Errorf("asked for, it is %v at %v", r.KernelTakeover, r.TakeoverPos)
	}
}

func TestKernelTakeoverIsRefusedWhereTheKernelCannotJudge(t *testing.T) {
	const fast = "version 3\nadvert_int 0.1\nvrrpx_kernel_takeover\n"
	group := "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n"
	for _, c := range []struct{ text, want, hint string }{
		{instance(fast + "vrrpx_lease 0"), "only within the lease, and there is none: vrrpx_lease 0", "one of the two"},
		{instance("version 3\nadvert_int 20\nvrrpx_kernel_takeover"), "there is none: the master-down interval", "one of the two"},
		{instance(fast + "vrrpx_pacer thread"), "vrrpx_pacer thread", "vrrpx_pacer auto"},
		{instance("vrrpx_kernel_takeover\nauthentication {\nauth_type AH\nauth_pass x\n}"), "signed adverts", "remove it"},
		{instance(fast + "split_brain {\naction yield\n}"), "asks before a takeover", "split_brain only tell"},
		{instance(fast + "timer_expired_backup 50\nnopreempt"), "timer_expired_backup", "one of the two"},
		{instance(fast+"") + group, "a member of vrrp_sync_group G waits for the others", "out of the group"},
	} {
		_, diags := Parse("f", []byte(c.text))
		all := show(diags)
		if !strings.Contains(all, "error: ") || !strings.Contains(all, c.want) || !strings.Contains(all, c.hint) {
			t.Errorf("%s\nsaid %s\nwant %q and %q", c.text, all, c.want, c.hint)
		}
	}
}
