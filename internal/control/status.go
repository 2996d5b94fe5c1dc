package control

import (
	"bytes"
	"encoding/json"
	"io"
	"time"

	"github.com/vrrpx/vrrpx/stats"
)

// All threads of the daemon may be realtime ones, and hundreds of routers take one of them
// for more than 10 ms to encode: so it rests in between, for whoever else has to run.
const (
	statusTurn = 16 // routers, about 1 ms
	statusRest = 300 * time.Microsecond
)

// writeStatus writes what json.Encoder does.
func writeStatus(w io.Writer, st *stats.Status) error {
	const none = `"routers":null`
	but := *st
	but.Routers = nil
	b, err := json.Marshal(&but)
	if err != nil {
		return err
	}
	head, tail, found := bytes.Cut(b, []byte(none)) // in no string: there quotes have a backslash
	if !found || len(st.Routers) == 0 {
		return json.NewEncoder(w).Encode(st)
	}
	piece := append(bytes.Clone(head), `"routers":[`...)
	for i := range st.Routers {
		r, err := json.Marshal(&st.Routers[i])
		if err != nil {
			return err
		}
		if i > 0 {
			piece = append(piece, ',')
		}
		piece = append(piece, r...)
		if (i+1)%statusTurn == 0 {
			if _, err := w.Write(piece); err != nil {
				return err
			}
			piece = piece[:0]
			time.Sleep(statusRest)
		}
	}
	piece = append(append(append(piece, ']'), tail...), '\n')
	_, err = w.Write(piece)
	return err
}
