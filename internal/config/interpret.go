package config

import (
	"net/netip"
	"slices"
	"strings"
)

// interpreter turns statements into a Config.
type interpreter struct {
	diags   *diagnostics
	files   *files // for the files of keys; nil reads none
	global  Global
	seen    map[string]Pos // the keywords of global_defs that were given
	drafts  []*draft
	cur     *draft // the router whose block is read
	scripts []*Script
	script  *Script // the vrrp_script whose block is read
	groups  []*groupDraft

	trackFiles []*TrackFile
	trackFile  *TrackFile // likewise
	processes  []*TrackProcess
	process    *TrackProcess // likewise

	name    string // the keyword whose statement is read
	minGARP bool   // vrrp_min_garp
	notices map[*kind]*mention

	static      Static
	trackGroups []*trackGroup
	names       map[string]map[string]uint32 // of iproute2, by file
	unpreferred map[uint8]uint32             // rules without a preference, by family
}

// draft is a router as far as its block gives it. seen tells a value that was
// given from a default, and a value that was wrong from one that is missing.
type draft struct {
	Router
	seen          map[string]Pos
	unicastSource netip.Addr
	badPeers      bool // a line of unicast_peer was malformed
	state         word // as written
	authType      word
	authPass      word
	hmac          *hmacDraft // nil without auth_hmac
	vmac          vmacWords
	group         *groupDraft // nil without
	isGroup       bool        // what a groupDraft has of a router
	lines         []*draft    // heartbeat, of which only what a Heartbeat has is set
	lineName      string      // and these, of such a one
	linePeers     []LinePeer
}

func (d *draft) given(keyword string) bool {
	_, ok := d.seen[keyword]
	return ok
}

// mention remembers what of a kind was ignored.
type mention struct {
	first Pos
	names []string
	count int
}

func interpret(diags *diagnostics, files *files, list []*statement) (*Config, []*draft) {
	in := &interpreter{
		diags:   diags,
		files:   files,
		global:  defaultGlobal(),
		seen:    map[string]Pos{},
		notices: map[*kind]*mention{},

		unpreferred: map[uint8]uint32{},
	}
	in.walk("", nil, list)
	in.endScripts()
	in.endTracked()
	in.resolve()
	in.report()
	cfg := &Config{Global: in.global, Static: in.static}
	for _, d := range in.drafts {
		cfg.Routers = append(cfg.Routers, d.Router)
	}
	for _, g := range in.groups {
		g.Notify = g.draft.Notify
		cfg.Groups = append(cfg.Groups, g.SyncGroup)
	}
	for _, s := range in.scripts {
		cfg.Scripts = append(cfg.Scripts, *s)
	}
	for _, f := range in.trackFiles {
		cfg.Files = append(cfg.Files, *f)
	}
	for _, p := range in.processes {
		cfg.Processes = append(cfg.Processes, *p)
	}
	return cfg, in.drafts
}

// walk reads the statements of the block that parent opens, with its table.
func (in *interpreter) walk(block string, parent *statement, list []*statement) {
	if in.cur == nil && block != "" && block != "global_defs" {
		// What one vrrp_script gives, the next does not give again.
		outer := in.seen
		in.seen = map[string]Pos{}
		defer func() { in.seen = outer }()
	}
	for _, s := range list {
		in.files.line()
		kw, ok := blocks[block][s.name()]
		if !ok {
			in.unknown(block, parent, s, Error)
			continue
		}
		in.name = s.name()
		switch {
		case kw.set != nil || kw.shape.block():
			in.honour(kw, s)
		case kw.kind != nil:
			in.mention(kw.kind, s)
			in.checkNames(kw.opens, s, Warning)
		default:
			in.refuse(kw, s)
		}
	}
}

// honour checks the form of a statement and applies it.
func (in *interpreter) honour(kw keyword, s *statement) {
	outer := in.cur
	in.mark(kw, s)
	if !in.wellFormed(kw.shape, s) {
		return
	}
	if kw.kind != nil {
		in.mention(kw.kind, s)
	}
	for _, w := range s.args() {
		if strings.HasPrefix(w.text, "'") {
			in.diags.warnf(w.pos, `use " instead`, "' is no quote here: keepalived and vrrpx take it for a part of the value")
		}
	}
	if kw.set != nil {
		kw.set(in, s)
	}
	if kw.opens != "" && kw.opens != freeLines {
		in.walk(kw.opens, s, s.block)
	}
	in.cur = outer
}

// mark notes that a keyword was given, and warns when it was before.
func (in *interpreter) mark(kw keyword, s *statement) {
	seen := in.seen
	if in.cur != nil {
		seen = in.cur.seen
	}
	if first, again := seen[s.name()]; again && !kw.shape.block() && s.name() != "state" {
		in.diags.warnf(s.pos(), "remove one of the two", "%s is given again: this value replaces that at %s, as in keepalived", s.name(), first)
	}
	seen[s.name()] = s.pos()
}

// wellFormed checks words and block against the shape.
func (in *interpreter) wellFormed(want shape, s *statement) bool {
	if want.needsWord() && len(s.words) < 2 {
		what := "a value"
		if want == namedShape {
			what = "a name"
		}
		in.diags.errorf(s.pos(), "", "%s: expected %s after it", s.name(), what)
		return false
	}
	if most := want.most(); most >= 0 && len(s.words) > most+1 {
		pos := s.words[most+1].pos
		if want.block() {
			in.diags.errorf(pos, "", "%s: expected { and no further word", s.name())
			return false
		}
		// The words themselves are not shown: they may be half a password.
		in.diags.warnf(pos, `write one statement a line, and "quotes" around a value with blanks`,
			"%s: expected the end of the line: what follows has no effect", s.name())
	}
	if want == keyShape && len(s.words) < 3 {
		in.diags.errorf(s.pos(), "", "%s: expected an id and a value after it", s.name())
		return false
	}
	if want.block() && !s.hasBlock() {
		in.diags.errorf(s.pos(), s.name()+" { ... }", "%s: expected { after it", s.name())
		return false
	}
	if !want.block() && s.hasBlock() {
		in.diags.errorf(s.open, `in a value, quote it: "{"`, "%s has no block: unexpected {", s.name())
		return false
	}
	return true
}

// refuse reports a keyword that this version does not have.
func (in *interpreter) refuse(kw keyword, s *statement) {
	if in.cur != nil {
		in.cur.seen[s.name()] = s.pos()
	}
	if len(s.words) == 2 && slices.Contains(kw.off, s.words[1].text) {
		return
	}
	in.diags.errorf(s.pos(), kw.hint, "%s is not supported yet", s.name())
	in.checkNames(kw.opens, s, Error)
}

// checkNames looks for misspelt keywords in a block that is not interpreted.
func (in *interpreter) checkNames(opens string, s *statement, sev Severity) {
	known := blocks[opens]
	if known == nil {
		return
	}
	for _, inner := range s.block {
		kw, ok := known[inner.name()]
		if !ok {
			in.unknown(opens, s, inner, sev)
			continue
		}
		in.checkNames(kw.opens, inner, sev)
	}
}

// mention remembers an ignored statement for the one notice of its kind.
func (in *interpreter) mention(k *kind, s *statement) {
	m := in.notices[k]
	if m == nil {
		m = &mention{first: s.pos()}
		in.notices[k] = m
	}
	m.count++
	if !slices.Contains(m.names, s.name()) {
		m.names = append(m.names, s.name())
	}
}

// report writes the notices.
func (in *interpreter) report() {
	for k, m := range in.notices {
		in.diags.reportf(k.severity, m.first, k.hint, "%s: %s", k.what, m.list())
	}
}

// list names the first few keywords.
func (m *mention) list() string {
	const most = 4
	if len(m.names) <= most {
		return strings.Join(m.names, ", ")
	}
	return strings.Join(m.names[:most], ", ") + ", ..."
}
