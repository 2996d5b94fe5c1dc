package promlab

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Dashboard is what is looked at of a dashboard of Grafana.
type Dashboard struct {
	UID, Title string
	Panels     []Panel
	Templating struct {
		List []Variable
	}
}

// Variable is one that a person can choose. All of them are chosen here.
type Variable struct {
	Name, Type, AllValue string
	Query                json.RawMessage // of a data source it is a text
}

// LabelValues is the series and the label whose values may be chosen; ok tells
// whether it is such a variable.
func (v *Variable) LabelValues() (series, label string, ok bool) {
	var q struct{ Query string }
	if json.Unmarshal(v.Query, &q) != nil {
		return "", "", false
	}
	m := labelValues.FindStringSubmatch(q.Query)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// Panel is one of them, on a grid of 24 columns.
type Panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ H, W, X, Y int }
	Targets                  []PanelQuery
	FieldConfig              struct {
		Defaults  Field
		Overrides []Override
	}
	Options struct {
		Legend struct {
			ShowLegend bool
			Placement  string
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			RenameByName  map[string]string
		}
	}
}

// PanelQuery is one query of a panel.
type PanelQuery struct {
	Expr, RefID, LegendFormat, Format string
	Instant                           bool
}

// Field says how values are shown.
type Field struct {
	Unit, NoValue string
	Min, Max      *float64
	Custom        struct {
		DrawStyle, LineInterpolation string
		Stacking                     struct{ Mode string }
		ThresholdsStyle              struct{ Mode string }
	}
	Thresholds struct {
		Steps []struct {
			Color string
			Value *float64 // nil: from the least on
		}
	}
	Mappings []struct {
		Options map[string]struct{ Text, Color string }
	}
}

// Override is what differs for the values of one query.
type Override struct {
	Matcher    struct{ ID, Options string }
	Properties []struct {
		ID    string
		Value any
	}
}

// ReadDashboard reads the JSON of one.
func ReadDashboard(file string) (*Dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var d Dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &d, nil
}

// Expand puts the values of variables into a query, as Grafana does where All is
// chosen of each. rate is what it would take for $__rate_interval. A variable that
// there is not is an error.
func (d *Dashboard) Expand(expr string, rate time.Duration) (string, error) {
	values := map[string]string{"__rate_interval": fmt.Sprintf("%dms", rate.Milliseconds())}
	for _, v := range d.Templating.List {
		values[v.Name] = v.AllValue
	}
	names := slices.Sorted(maps.Keys(values))
	slices.Reverse(names) // the longer of two with one beginning comes first
	for _, name := range names {
		expr = strings.ReplaceAll(expr, "$"+name, values[name])
	}
	if strings.Contains(expr, "$") {
		return "", fmt.Errorf("a variable that there is not: %s", expr)
	}
	return expr, nil
}

// Legend is what a series is called: {{label}} stands for the label's value.
func (t *PanelQuery) Legend(labels map[string]string) string {
	return inBraces.ReplaceAllStringFunc(t.LegendFormat, func(s string) string {
		return labels[strings.TrimSpace(strings.Trim(s, "{}"))]
	})
}

var inBraces = regexp.MustCompile(`\{\{[^}]*\}\}`)
