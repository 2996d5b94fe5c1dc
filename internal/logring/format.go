package logring

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

const stampLayout = "2006-01-02T15:04:05.000000Z"

// appendHead appends the stamp and the level, each with a space after it. A
// zero time is left out, as slog asks of its handlers.
func appendHead(b []byte, t time.Time, level string) []byte {
	if !t.IsZero() {
		b = t.UTC().AppendFormat(b, stampLayout)
		b = append(b, ' ')
	}
	b = append(b, level...)
	return append(b, ' ')
}

// appendAttr appends " key=value", or each member of a group as
// " group.key=value".
func appendAttr(b []byte, group string, a slog.Attr) []byte {
	if a.Equal(slog.Attr{}) {
		return b // slog asks that it be ignored
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range v.Group() {
			b = appendAttr(b, group, member)
		}
		return b
	}
	b = append(b, ' ')
	b = appendText(b, group)
	b = appendText(b, a.Key)
	b = append(b, '=')
	return appendValue(b, v)
}

func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendQuotable(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindTime:
		return v.Time().UTC().AppendFormat(b, stampLayout)
	}
	// A duration, an error, an address: what prints itself does.
	return appendQuotable(b, fmt.Sprint(v.Any()))
}

// appendQuotable appends s, in quotes where its end or its nature would
// otherwise be in doubt.
func appendQuotable(b []byte, s string) []byte {
	if s == "" {
		return append(b, `""`...)
	}
	for _, c := range s {
		if c == ' ' || c == '=' || c == '"' || unprintable(c) {
			return strconv.AppendQuote(b, s)
		}
	}
	return append(b, s...)
}

// appendText appends s with what is not printable escaped and all else, spaces
// and quotes too, as it is.
func appendText(b []byte, s string) []byte {
	for i, c := range s {
		if unprintable(c) {
			return appendEscaped(append(b, s[:i]...), s[i:])
		}
	}
	return append(b, s...)
}

func appendEscaped(b []byte, s string) []byte {
	for _, c := range s {
		if !unprintable(c) {
			b = utf8.AppendRune(b, c)
			continue
		}
		q := strconv.AppendQuoteRuneToASCII(b, c)
		// The escape without the quotes around it.
		copy(q[len(b):], q[len(b)+1:len(q)-1])
		b = q[:len(q)-2]
	}
	return b
}

// unprintable is also true of the replacement character, which stands for
// octets that are no UTF-8.
func unprintable(c rune) bool { return c == utf8.RuneError || !unicode.IsPrint(c) }
