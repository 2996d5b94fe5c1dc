package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Each keyword that is honoured is told of once, in the form that the reader of
// the file takes, and none is told of that is not.
func TestManualTellsOfEachHonouredKeyword(t *testing.T) {
	told := map[string]bool{}
	for _, s := range Manual() {
		table, ok := blocks[s.Block]
		if !ok {
			t.Errorf("keywords.txt has a block %q, which there is not", s.Block)
		}
		if told[s.Block] {
			t.Errorf("keywords.txt has the block %q twice", s.Block)
		}
		told[s.Block] = true
		seen := map[string]bool{}
		for _, k := range s.Honoured {
			kw, ok := table[k.Name]
			if !ok || kw.verdict() != honouredOf {
				t.Errorf("%s is told of %s, and not honoured there", k.Name, inBlock(s.Block))
			}
			if seen[k.Name] {
				t.Errorf("%s is told of twice %s", k.Name, inBlock(s.Block))
			}
			seen[k.Name] = true
			if !strings.HasSuffix(k.Text, ".") {
				t.Errorf("%s %s: no sentence: %q", k.Name, inBlock(s.Block), k.Text)
			}
			if !formFits(kw.shape, k.Args) {
				t.Errorf("%s %s: the reader does not take the form %q", k.Name, inBlock(s.Block), k.Args)
			}
			own := slices.Contains(ours, k.Name) || slices.Contains(ours, s.Block)
			if k.Own != own {
				t.Errorf("%s %s: a + says that keepalived does not have it: %v, want %v", k.Name, inBlock(s.Block), k.Own, own)
			}
		}
		for name, kw := range table {
			if kw.verdict() == honouredOf && !seen[name] {
				t.Errorf("keywords.txt does not tell of %s %s", name, inBlock(s.Block))
			}
		}
	}
	for _, block := range slices.Sorted(maps.Keys(blocks)) {
		honoured := 0
		for _, kw := range blocks[block] {
			if kw.verdict() == honouredOf {
				honoured++
			}
		}
		if honoured > 0 && !told[block] {
			t.Errorf("keywords.txt does not tell of the block %q", block)
		}
	}
}

// formFits tells whether a synopsis is that of a shape.
func formFits(s shape, args string) bool {
	if isBlock := strings.HasSuffix(args, "{ ... }"); isBlock || s.block() {
		name := strings.TrimSpace(strings.TrimSuffix(args, "{ ... }"))
		return isBlock && s.block() && (name == "NAME") == (s == namedShape) && (name == "[NAME]") == (s == mayNameShape)
	}
	words := strings.Fields(args)
	if most := s.most(); most >= 0 && len(words) > most {
		return false
	}
	return s == anyShape || s.needsWord() == (len(words) > 0 && !strings.HasPrefix(words[0], "["))
}

func TestManualGivesReasons(t *testing.T) {
	all := Manual()
	i := slices.IndexFunc(all, func(s Section) bool { return s.Block == "vrrp_instance" })
	if i < 0 {
		t.Fatal("no vrrp_instance")
	}
	has := func(in []Others, name, reason string) bool {
		return slices.ContainsFunc(in, func(o Others) bool {
			return slices.Contains(o.Names, name) && strings.Contains(o.Reason, reason)
		})
	}
	if !has(all[i].NoEffect, "lvs_sync_daemon_interface", "LVS") || !has(all[i].Refused, "track_bfd", "BFD") {
		t.Errorf("no effect: %+v\nrefused: %+v", all[i].NoEffect, all[i].Refused)
	}
}
