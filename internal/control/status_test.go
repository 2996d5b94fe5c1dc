package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// pieces counts what is written at once.
type pieces struct {
	bytes.Buffer
	n int
}

func (p *pieces) Write(b []byte) (int, error) { p.n++; return p.Buffer.Write(b) }

// A status is written in pieces, and is the same as in one.
func TestStatusIsWrittenInPieces(t *testing.T) {
	st := &stats.Status{
		Version: `"routers":null`, Started: time.Unix(1e9, 0).UTC(), ConfigFile: `<"routers":null>`,
		Groups: []stats.Group{{Name: "G", Members: []string{"VI_1"}}},
	}
	for n := range 3*statusTurn + 2 {
		var want bytes.Buffer
		if err := json.NewEncoder(&want).Encode(st); err != nil {
			t.Fatal(err)
		}
		var got pieces
		if err := writeStatus(&got, st); err != nil || got.String() != want.String() {
			t.Fatalf("%d routers: %v\n%s\nwant\n%s", n, err, got.String(), want.String())
		}
		if got.n != n/statusTurn+1 {
			t.Errorf("%d routers in %d pieces", n, got.n)
		}
		st.Routers = append(st.Routers, stats.Router{
			Name: fmt.Sprintf(`VI_%d "routers":null`, n), Skew: stats.Seconds(n), Drops: map[string]uint64{"ttl": 1},
		})
	}
}
