package promlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Point is a value at a time.
type Point struct {
	At time.Time
	V  float64 // may be NaN or infinite
}

// UnmarshalJSON reads [seconds, "value"].
func (p *Point) UnmarshalJSON(b []byte) error {
	var at float64
	var v string
	if err := json.Unmarshal(b, &[]any{&at, &v}); err != nil {
		return err
	}
	p.At = time.UnixMilli(int64(at * 1000))
	var err error
	p.V, err = strconv.ParseFloat(v, 64)
	return err
}

// MarshalJSON writes what UnmarshalJSON reads, to the millisecond.
func (p Point) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `[%.3f,%q]`, float64(p.At.UnixMilli())/1000, strconv.FormatFloat(p.V, 'g', -1, 64)), nil
}

// Series is one of them, with its points in order. The name of its metric is the
// label __name__.
type Series struct {
	Labels map[string]string `json:"metric"`
	Points []Point           `json:"values"`
	Value  *Point            `json:"value,omitempty"` // of Query alone
}

// Rule is one of the rules that Prometheus has loaded.
type Rule struct {
	Name, Type, State, Health, LastError string
	Query                                string
	Alerts                               []Alert
}

// Alert is one that is pending or firing.
type Alert struct {
	Labels, Annotations map[string]string
	State               string
}

// Target is what is scraped.
type Target struct {
	ScrapeURL, Health, LastError string
}

// Range evaluates an expression from one time to another, each step.
func (s *Server) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	unix := func(t time.Time) string { return fmt.Sprintf("%.3f", float64(t.UnixMilli())/1000) }
	return s.query(ctx, "query_range", url.Values{
		"query": {expr}, "start": {unix(from)}, "end": {unix(to)}, "step": {fmt.Sprint(step.Seconds())},
	})
}

// Query evaluates an expression now.
func (s *Server) Query(ctx context.Context, expr string) ([]Series, error) {
	return s.query(ctx, "query", url.Values{"query": {expr}})
}

func (s *Server) query(ctx context.Context, what string, v url.Values) ([]Series, error) {
	var data struct{ Result []Series }
	err := s.get(ctx, what+"?"+v.Encode(), &data)
	if err != nil {
		err = fmt.Errorf("%s: %w", v.Get("query"), err)
	}
	return data.Result, err
}

// Rules are those that Prometheus has loaded, with what became of them.
func (s *Server) Rules(ctx context.Context) ([]Rule, error) {
	var data struct{ Groups []struct{ Rules []Rule } }
	err := s.get(ctx, "rules", &data)
	var all []Rule
	for _, g := range data.Groups {
		all = append(all, g.Rules...)
	}
	return all, err
}

// Targets are those that are scraped.
func (s *Server) Targets(ctx context.Context) ([]Target, error) {
	var data struct{ ActiveTargets []Target }
	err := s.get(ctx, "targets", &data)
	return data.ActiveTargets, err
}

// get asks the HTTP API of Prometheus (prometheus.io/docs, HTTP API, v1). What it
// warns of is an error too.
func (s *Server) get(ctx context.Context, path string, data any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Warnings      []string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("prometheus: %s: %w", resp.Status, err)
	}
	if answer.Status != "success" || len(answer.Warnings) > 0 {
		return fmt.Errorf("prometheus: %s %s %v", answer.Status, answer.Error, answer.Warnings)
	}
	return nil
}
