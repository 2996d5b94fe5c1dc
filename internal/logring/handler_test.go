package logring

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

// logged runs f with a logger and returns all that it wrote.
func logged(t *testing.T, level slog.Level, f func(*slog.Logger)) string {
	t.Helper()
	var out bytes.Buffer
	r := New(&out, 1<<16)
	f(slog.New(r.Handler(level)))
	if err := r.Close(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLineFormat(t *testing.T) {
	at := time.Date(2026, 11, 23, 5, 5, 6, 789012999, time.FixedZone("CET", 3600))
	tests := []struct {
		name, msg string
		attrs     []slog.Attr
		want      string
	}{
		{"router", "(VI_1) Entering MASTER STATE", nil, "(VI_1) Entering MASTER STATE"},
		{"values", "m", []slog.Attr{
			slog.String("from", "BACKUP"), slog.Int("n", -3), slog.Uint64("u", 1<<63), slog.Bool("ok", true),
			slog.Float64("f", 0.25), slog.Duration("after", 3609375*time.Microsecond), slog.Time("at", at),
			slog.Any("src", netip.MustParseAddr("10.0.0.1")), slog.Any("err", errors.New("x")),
		}, "m from=BACKUP n=-3 u=9223372036854775808 ok=true f=0.25 after=3.609375s at=2026-11-23T04:05:06.789012Z src=10.0.0.1 err=x"},
		{"quotes", "m", []slog.Attr{
			slog.String("space", "a b"), slog.String("none", ""), slog.String("quote", `a"b`), slog.String("equals", "a=b"),
			slog.Any("err", errors.New("no such device")),
		}, `m space="a b" none="" quote="a\"b" equals="a=b" err="no such device"`},
		{"group", "m", []slog.Attr{slog.Group("g", slog.Int("a", 1), slog.Group("h", slog.Int("b", 2)))}, "m g.a=1 g.h.b=2"},
		{"forged line", "a\nb\x1b[31m\u2028\xff é", []slog.Attr{slog.String("v", "x\ny")}, `a\nb\x1b[31m\u2028\ufffd é v="x\ny"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := logged(t, slog.LevelInfo, func(l *slog.Logger) {
				rec := slog.NewRecord(at, slog.LevelInfo, tt.msg, 0)
				rec.AddAttrs(tt.attrs...)
				if err := l.Handler().Handle(context.Background(), rec); err != nil {
					t.Error(err)
				}
			})
			if want := "2026-11-23T04:05:06.789012Z INFO " + tt.want + "\n"; got != want {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

func TestLevelFilter(t *testing.T) {
	got := logged(t, slog.LevelWarn, func(l *slog.Logger) {
		l.Debug("debug")
		l.Info("info")
		l.Warn("warn")
		l.Error("error")
	})
	if strings.Contains(got, "debug") || strings.Contains(got, "info") {
		t.Errorf("lines below the level came through:\n%s", got)
	}
	if !strings.Contains(got, " WARN warn\n") || !strings.Contains(got, " ERROR error\n") {
		t.Errorf("lines at or above the level are missing:\n%s", got)
	}
}

// TestSlogHandlerContract runs the standard library's checks of a handler.
func TestSlogHandlerContract(t *testing.T) {
	var out bytes.Buffer
	var r *Ring
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		r = New(&out, 1<<16)
		return r.Handler(slog.LevelDebug)
	}, func(t *testing.T) map[string]any {
		if err := r.Close(30 * time.Second); err != nil {
			t.Fatal(err)
		}
		return parse(strings.TrimSuffix(out.String(), "\n"))
	})
}

// parse reads a line without quoted values back.
func parse(line string) map[string]any {
	m := map[string]any{}
	fields := strings.Fields(line)
	if strings.HasSuffix(fields[0], "Z") {
		m[slog.TimeKey], fields = fields[0], fields[1:]
	}
	m[slog.LevelKey], fields = fields[0], fields[1:]
	var words []string
	for _, f := range fields {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			words = append(words, f)
			continue
		}
		at := m
		path := strings.Split(key, ".")
		for _, group := range path[:len(path)-1] {
			if at[group] == nil {
				at[group] = map[string]any{}
			}
			at = at[group].(map[string]any)
		}
		at[path[len(path)-1]] = value
	}
	m[slog.MessageKey] = strings.Join(words, " ")
	return m
}

func BenchmarkTransitionLine(b *testing.B) {
	r := New(discard{}, 1<<20)
	log := slog.New(r.Handler(slog.LevelInfo))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("(VI_1) Entering MASTER STATE", "from", "BACKUP", "cause", "master_down", "reason", "10.0.0.1 silent for 3.609s")
	}
	_ = r.Close(time.Second)
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
