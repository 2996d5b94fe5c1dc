package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
)

const (
	maxInclude  = 16       // files open at once
	maxBytes    = 16 << 20 // of all files together
	maxBraces   = 256      // paths that the braces of one include may make
	maxPathText = 4096     // PATH_MAX
)

// files reads what include names. A nil *files reads nothing.
type files struct {
	open []string // the files being read, outermost first
	left int      // bytes that may still be read

	rest  func() // called every few lines; may be nil
	lines uint
}

// line counts one that is worked on.
func (f *files) line() {
	if f == nil || f.rest == nil {
		return
	}
	if f.lines++; f.lines%16 == 0 {
		f.rest()
	}
}

// router is line for what concerns a whole router.
func (f *files) router() {
	if f != nil && f.rest != nil {
		f.rest()
	}
}

// include reads one include line. The letters that may follow the keyword are
// keepalived's: what has to exist for the line not to be an error.
//
//	r  each file that matches is readable
//	m  r, and a path without wildcards matches
//	w  m, and so does one with wildcards
//	b  r, and each alternative in braces matches
//	a  all of these
func (t *tree) include(line word) {
	keyword, path := line.text, ""
	if space := strings.IndexFunc(keyword, unicode.IsSpace); space > 0 {
		keyword, path = keyword[:space], strings.TrimSpace(keyword[space:])
	}
	level := strings.TrimPrefix(keyword, "include")
	if t.files == nil {
		t.diags.errorf(line.pos, "put the statements here", "include is possible in a file only")
		return
	}
	if path == "" {
		t.diags.errorf(line.pos, "", "%s: expected a path after it", keyword)
		return
	}
	if strings.ContainsAny(path, `"`) {
		t.diags.errorf(line.pos, "write the path without quotes, as keepalived needs it", `%s: expected a path without "`, keyword)
		return
	}
	if len(t.files.open) >= maxInclude {
		t.diags.errorf(line.pos, "", "include is nested more than %d files deep", maxInclude)
		return
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(line.pos.File), path)
	}
	alternatives, ok := expandBraces(path)
	if !ok {
		t.diags.errorf(line.pos, "split it into several lines", "%s: the path is too long or its braces make more than %d", keyword, maxBraces)
		return
	}
	found := 0
	for _, pattern := range alternatives {
		matches, err := glob(pattern)
		if err != nil {
			t.diags.errorf(line.pos, "", "%s %s: %v", keyword, quote(pattern), err)
			continue
		}
		found += len(matches)
		if len(matches) == 0 && len(alternatives) > 1 && (level == "b" || level == "a") {
			t.diags.errorf(line.pos, "create it, or use include", "%s: no file matches %s", keyword, quote(pattern))
			found++ // said already
		}
		for _, match := range matches {
			t.includeFile(line.pos, level, match)
		}
	}
	if found == 0 {
		t.noMatch(line.pos, keyword, level, path)
	}
}

func (t *tree) noMatch(pos Pos, keyword, level, path string) {
	wild := strings.ContainsAny(path, "*?[")
	switch {
	case level == "a" || level == "w" || level == "m" && !wild:
		t.diags.errorf(pos, "create it, or use include", "%s: no file matches %s", keyword, quote(path))
	case !wild:
		t.diags.warnf(pos, "includem makes this an error", "%s: no file matches %s: keepalived goes on without a word", keyword, quote(path))
	}
}

// includeFile splices one file in.
func (t *tree) includeFile(pos Pos, level, path string) {
	for _, outer := range t.files.open {
		if filepath.Clean(outer) == filepath.Clean(path) {
			t.diags.errorf(pos, "remove this line", "%s includes itself", quote(path))
			return
		}
	}
	src, err := t.files.read(path, true)
	if err != nil {
		sev := Error
		if level == "" {
			sev = Warning // include is the one that goes on; includer and the rest exist to stop
		}
		t.diags.reportf(sev, pos, "", "cannot include %s: %v", quote(path), err)
		return
	}
	t.diags.opened(path)
	t.files.open = append(t.files.open, path)
	t.file(path, src)
	t.files.open = t.files.open[:len(t.files.open)-1]
}

// read returns the text of a file. An included one has to be a regular file:
// a wildcard may catch a FIFO, and to open that would wait for ever.
func (f *files) read(path string, regular bool) (string, error) {
	flags := os.O_RDONLY
	if regular {
		flags |= syscall.O_NONBLOCK
	}
	file, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return "", cause(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", cause(err)
	}
	if info.IsDir() {
		return "", errors.New("it is a directory")
	}
	if regular && !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(f.left)+1))
	if err != nil {
		return "", cause(err)
	}
	if len(text) > f.left {
		return "", fmt.Errorf("the configuration is larger than %d MiB", maxBytes>>20)
	}
	f.left -= len(text)
	return string(text), nil
}

// cause leaves out the path and the system call, which the message has.
func cause(err error) error {
	if e := new(os.PathError); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// glob returns the files that match, in order. Unlike filepath.Glob and like
// glob(3) a wildcard does not match a leading dot: a swap file of an editor is
// no configuration.
func glob(pattern string) ([]string, error) {
	all, err := filepath.Glob(pattern)
	if err != nil {
		return nil, errors.New("expected a pattern with each [ closed by ]")
	}
	want := strings.Split(pattern, "/")
	var shown []string
next:
	for _, path := range all {
		for i, part := range strings.Split(path, "/") {
			if strings.HasPrefix(part, ".") && i < len(want) && !strings.HasPrefix(want[i], ".") {
				continue next
			}
		}
		shown = append(shown, path)
	}
	return shown, nil
}

// expandBraces expands {a,b} as csh does. It returns false when that makes
// too many.
func expandBraces(path string) ([]string, bool) {
	if len(path) > maxPathText {
		return nil, false
	}
	var out []string
	var expand func(string) bool
	expand = func(s string) bool {
		open, parts, rest := splitBraces(s)
		if parts == nil {
			out = append(out, s)
			return len(out) <= maxBraces
		}
		for _, part := range parts {
			if !expand(s[:open] + part + rest) {
				return false
			}
		}
		return true
	}
	ok := expand(path)
	return out, ok
}

// splitBraces finds the first complete {...} and cuts it at its own commas.
// parts is nil when there is none.
func splitBraces(s string) (open int, parts []string, rest string) {
	open = strings.IndexByte(s, '{')
	if open < 0 {
		return 0, nil, ""
	}
	depth, from := 0, open+1
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		case '}':
			if depth--; depth == 0 {
				return open, append(parts, s[from:i]), s[i+1:]
			}
		}
	}
	return 0, nil, ""
}
