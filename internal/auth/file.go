package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// fileName is the file that keeps the sequence numbers of routers with
// anti_replay monotonic over a restart.
const fileName = "auth.json"

const fileVersion = 1

// contents is what is in it. Routers that are not configured now keep their
// entry: they may be again.
type contents struct {
	Version int               `json:"version"`
	Routers map[string]record `json:"routers"` // by the names given to OpenKeeper
}

type record struct {
	Sent  uint64  `json:"sent"` // no number up to this may be sent
	Heard []heard `json:"heard"`
}

type heard struct {
	Source netip.Addr `json:"source"`
	Key    uint8      `json:"key"`
	Seq    uint64     `json:"seq"`
}

// load reads the file; an empty one where there is none. It refuses what
// others may have written, and what is damaged: to go on without it would take
// old adverts for new ones.
func load(file string) (contents, error) {
	none := contents{fileVersion, map[string]record{}}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("sequence numbers of auth_hmac: %w", err)
	}
	defer f.Close()
	refuse := func(why string, args ...any) (contents, error) {
		return none, fmt.Errorf("%s, which keeps the sequence numbers of auth_hmac, %s: delete it, if old adverts may be believed once more",
			file, fmt.Sprintf(why, args...))
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return none, fmt.Errorf("%s: %w", file, err)
	}
	if info.Uid != uint32(os.Geteuid()) || info.Mode&0o022 != 0 {
		return refuse("can be written by others (owner %d, mode %04o)", info.Uid, info.Mode&0o7777)
	}
	var c contents
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return refuse("is damaged (%v)", err)
	}
	if c.Version != fileVersion {
		return refuse("is of version %d, not %d", c.Version, fileVersion)
	}
	if c.Routers == nil {
		c.Routers = none.Routers
	}
	return c, nil
}

// save replaces the file in one step. Its content is on the disk before its
// name is, so that a loss of power leaves the old one or the new one.
func (c contents) save(file string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	next, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(append(b, '\n'))
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
