package config

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What bounds that which parameters and sequences make of a configuration: in
// all, with room for the 65,024 routers of keepalived.conf(5)'s example, of 18
// lines each; in one line; and by one line, where a parameter may use itself.
const (
	maxSteps  = 8 << 20 // a step is a look at 64 bytes of a line, a line read on is two more
	maxUses   = 1000
	maxNested = 100
)

// expander is the language around the statements (keepalived.conf(5),
// "Advanced configuration"): conditions on the configuration's id, parameters,
// and the sequences that repeat a line.
type expander struct {
	diags  *diagnostics
	id     string            // config-id, which @id is compared with
	params map[string][]line // the value of each parameter, by lines
	left   int               // steps
	over   bool              // too much was made
	nested int               // lines that are expanded because of another
}

func newExpander(diags *diagnostics, id string) *expander {
	return &expander{diags: diags, id: id, params: map[string][]line{}, left: maxSteps}
}

// expand gives the lines that one line of a file becomes to emit.
func (x *expander) expand(l line, emit func(line)) {
	x.nested++
	defer func() { x.nested-- }()
	for uses := 0; ; uses++ {
		if x.over {
			return
		}
		if x.left -= 1 + len(l.text)/64; x.left < 0 || uses > maxUses || x.nested > maxNested {
			x.over = true
			x.diags.errorf(l.at(0), "does a parameter use itself?", "parameters and sequences make too much of this: some million lines in all, %d uses in one line, or %d lines by one another",
				maxUses, maxNested)
			return
		}
		l = l.trimmed()
		switch {
		case strings.HasPrefix(l.text, "@"):
			rest, ok := x.condition(l)
			if !ok {
				x.emit(newLine("\n", l.at(0)), emit)
				return
			}
			l = rest
			continue
		case definition(l.text):
			x.define(l)
			return
		case strings.HasPrefix(l.text, "~SEQ"), strings.HasPrefix(l.text, "~LST"):
			x.repeat(l, emit)
			return
		case includes(l.text):
			x.emit(l, emit)
			return
		}
		from, to, value := x.use(l)
		if value == nil {
			x.emit(l, emit)
			return
		}
		last := len(value) - 1
		if last > 0 {
			x.expand(join(l.cut(0, from), value[0], newLine("\n", value[0].at(0))), emit)
			for _, v := range value[1:last] {
				x.expand(join(v, newLine("\n", v.at(0))), emit)
			}
			l = join(value[last], l.cut(to, len(l.text)))
			continue
		}
		l = join(l.cut(0, from), value[0], l.cut(to, len(l.text)))
	}
}

func (x *expander) emit(l line, emit func(line)) {
	x.left -= 2
	emit(l)
}

// condition takes @id or @^id off a line; false when the line is not for this
// host.
func (x *expander) condition(l line) (line, bool) {
	n := strings.IndexAny(l.text, " \t\v\f\r\n")
	if n < 0 {
		n = len(l.text)
	}
	id, not := strings.CutPrefix(l.text[1:n], "^")
	if id == "" {
		x.diags.errorf(l.at(0), "@id before a line keeps it on the host of that id", "@: expected a configuration id after it")
		return line{}, false
	}
	return l.cut(n, len(l.text)), (id == x.id) != not
}

// define takes a parameter's value; it is looked into where it is used.
func (x *expander) define(l line) {
	equals := strings.IndexByte(l.text, '=')
	name := l.text[1:equals]
	if strings.HasPrefix(name, "_") {
		x.diags.errorf(l.at(0), "use another name", "parameter $%s: names with _ in front are keepalived's own", name)
		return
	}
	var value []line
	for from := equals + 1; from <= len(l.text); {
		end := strings.IndexByte(l.text[from:], '\n')
		if end < 0 {
			end = len(l.text) - from
		}
		text := strings.TrimRight(l.text[from:from+end], "\r")
		joined := strings.HasSuffix(text, `\`)
		if joined {
			text = text[:len(text)-1]
		}
		text = strings.TrimRight(text[:code(text)], " \t\v\f\r")
		if text != "" || !joined || from > equals+1 { // nothing stands behind the = of several lines
			value = append(value, l.cut(from, from+len(text)))
		}
		if from += end + 1; !joined {
			break
		}
	}
	if len(value) == 0 {
		value = []line{l.cut(equals, equals)}
	}
	x.params[name] = value
}

// use finds the first parameter in a line that has a value, and where it
// stands. $NAME ends at a blank, ${NAME} anywhere.
func (x *expander) use(l line) (from, to int, value []line) {
	end := code(l.text)
	for from = 0; from < end; from++ {
		switch {
		case l.text[from] == '\\':
			from++
			continue
		case l.text[from] != '$':
			continue
		}
		inside, braces := strings.CutPrefix(l.text[from+1:], "{")
		name := paramName(inside)
		if name == "" {
			continue
		}
		to = from + 1 + len(name)
		if braces {
			n := strings.IndexAny(inside, "}\n")
			if n < 0 || inside[n] == '\n' {
				continue
			}
			to = from + 2 + n + 1
			if strings.HasPrefix(name, "_") {
				value = x.predefined(l.at(from), name, strings.Fields(inside[len(name):n]))
			} else if n == len(name) {
				value = x.params[name]
			}
		} else if to == len(l.text) || blank(l.text[to]) || l.text[to] == '\n' {
			value = x.params[name]
		}
		if value != nil {
			return from, to, value
		}
	}
	return 0, 0, nil
}

// predefined is the value of one of keepalived's own parameters; nil for a name
// that is none of them.
func (x *expander) predefined(pos Pos, name string, args []string) []line {
	text := ""
	switch name {
	case "_PWD":
		text = filepath.Dir(pos.File)
		if abs, err := filepath.Abs(text); err == nil {
			text = abs
		}
	case "_INSTANCE":
		text = x.id
	case "_HASH":
		text = `\#`
	case "_BANG":
		text = `\!`
	case "_ENV":
		if len(args) != 1 {
			x.diags.errorf(pos, "${_ENV HOME}", "${_ENV}: expected the name of one environment variable")
			return nil
		}
		text = os.Getenv(args[0])
	case "_RANDOM":
		lo, hi, ok := randomRange(args)
		if !ok {
			x.diags.errorf(pos, "${_RANDOM 1 100}", "${_RANDOM}: expected at most two whole numbers, the lesser one first")
			return nil
		}
		text = strconv.Itoa(lo + rand.IntN(hi-lo+1))
	default:
		return nil
	}
	return []line{newLine(text, pos)}
}

func randomRange(args []string) (lo, hi int, ok bool) {
	hi = 32767
	for i, to := range []*int{&lo, &hi} {
		if i < len(args) {
			n, err := strconv.ParseUint(args[i], 10, 31)
			if err != nil {
				return 0, 0, false
			}
			*to = int(n)
		}
	}
	return lo, hi, len(args) <= 2 && lo <= hi
}

// with expands a line for one turn of a sequence, in which parameters have
// other values.
func (x *expander) with(values map[string]string, l line, emit func(line)) {
	outer := map[string][]line{}
	for name, text := range values {
		outer[name] = x.params[name]
		x.params[name] = []line{newLine(text, l.at(0))}
	}
	x.expand(l, emit)
	maps.Copy(x.params, outer) // nil is no value
}
