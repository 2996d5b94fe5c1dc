package dump

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vrrpx/vrrpx/internal/config"
)

// Kind is one of the files.
type Kind uint8

// The kinds, and what is asked for by signal: StatsClear writes the statistics
// and begins them anew.
const (
	DataFile Kind = iota
	StatsFile
	StatsClear
	JSONFile
)

// defaultUmask leaves the files to root, as keepalived's do.
const defaultUmask = 0o177

// Path is where a kind of file is written.
func Path(g *config.Global, k Kind) string {
	given, ext := g.StateDump, ".data"
	switch k {
	case StatsFile, StatsClear:
		given, ext = g.StatsDump, ".stats"
	case JSONFile:
		given, ext = g.JSONDump, ".json"
	}
	if given != "" {
		return given
	}
	name := "keepalived"
	if g.DataUseInstance {
		for _, part := range []string{g.Namespace, g.Instance} {
			if part != "" {
				name += "_" + part
			}
		}
	}
	return filepath.Join(os.TempDir(), name+ext)
}

// Write makes the file of a kind anew. Who reads it sees the old one or the
// new one, whole. What stands at the path is replaced and never written to: a
// symbolic link there leads nobody's file astray.
func Write(s *Snapshot, k Kind, base Base) (path string, err error) {
	path = Path(&s.Config.Global, k)
	var b []byte
	switch k {
	case DataFile:
		b = Data(s)
	case JSONFile:
		if b, err = JSON(s, base); err != nil {
			return path, err
		}
	default:
		b = Stats(s, base)
	}
	mode := os.FileMode(0o666) &^ defaultUmask
	if u := s.Config.Global.Umask; u != nil {
		mode = 0o666 &^ os.FileMode(*u)
	}
	return path, replace(path, b, mode)
}

// replace writes beside the path, to a file that did not exist (O_EXCL) and has
// a name that nobody guesses, and renames.
func replace(path string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(mode)
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("dump: %w", err)
	}
	return nil
}

// Lines are those of Data, for a log.
func Lines(s *Snapshot) []string {
	return strings.Split(strings.TrimRight(string(Data(s)), "\n"), "\n")
}
