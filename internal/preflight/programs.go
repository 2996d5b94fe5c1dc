// Package preflight tells what a configuration needs of this host, and whether
// the host has it: programs and their users, interfaces, what the kernel can do.
package preflight

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"

	"github.com/vrrpx/vrrpx/internal/config"
	"github.com/vrrpx/vrrpx/internal/script"
)

// defaultUser runs scripts where the configuration names nobody, if the host
// has such a user; else root does.
const defaultUser = "keepalived_script"

// Programs turns the programs that a configuration names into what this host
// can run: paths, users, and whether they may be trusted.
type Programs struct {
	global *config.Global
	users  map[[2]string]*script.User
}

// NewPrograms resolves by what global_defs say of users and security.
func NewPrograms(g *config.Global) *Programs {
	return &Programs{global: g, users: map[[2]string]*script.User{}}
}

// ProgramError is a program of the configuration that cannot or must not run.
type ProgramError struct {
	Pos   config.Pos
	What  string // the program as configured
	Cause error
	Hint  string
}

func (e *ProgramError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Pos, e.What, e.Cause) }

func (e *ProgramError) Unwrap() error { return e.Cause }

// Command resolves one program. It fails with *ProgramError.
func (p *Programs) Command(c config.Command) (script.Command, error) {
	fail := func(hint string, err error) (script.Command, error) {
		return script.Command{}, &ProgramError{c.Pos, strconv.Quote(c.Argv[0]), err, hint}
	}
	path, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return fail("write its whole path, and make it executable: chmod +x", cause(err))
	}
	who, err := p.User(c)
	if err != nil {
		return fail("create the user, or name another with user or script_user", err)
	}
	if p.global.ScriptSecurity && who.UID == 0 {
		if err := script.Untrusted(path); err != nil {
			return fail("give it to root and take the right to write from others, run it as another user (user, script_user), or remove enable_script_security",
				fmt.Errorf("it would run as root, and others can change it: %w", err))
		}
	}
	return script.Command{Argv: append([]string{path}, c.Argv[1:]...), Env: os.Environ(), User: who}, nil
}

// cause leaves out the name that the message has.
func cause(err error) error {
	if e := new(exec.Error); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// User is whom a program runs as, or owns what it names: that of global_defs where
// it names nobody. It fails where the host has no such user or group.
func (p *Programs) User(c config.Command) (*script.User, error) {
	name, group := c.User, c.Group
	if name == "" {
		name, group = p.global.ScriptUser, p.global.ScriptGroup
	}
	key := [2]string{name, group}
	if u := p.users[key]; u != nil {
		return u, nil
	}
	u, err := lookUp(name, group, p.global.SupplementaryGroups)
	if err == nil {
		p.users[key] = u
	}
	return u, err
}

func lookUp(name, group string, supplementary bool) (*script.User, error) {
	if name == "" {
		if _, err := user.Lookup(defaultUser); err != nil {
			return &script.User{}, nil // root
		}
		name = defaultUser
	}
	who, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := id(who.Uid)
	if err != nil {
		return nil, err
	}
	gid := who.Gid
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, err
		}
		gid = g.Gid
	}
	u := &script.User{UID: uid}
	if u.GID, err = id(gid); err != nil || !supplementary {
		return u, err
	}
	all, err := who.GroupIds()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		g, err := id(s)
		if err != nil {
			return nil, err
		}
		u.Groups = append(u.Groups, g)
	}
	return u, nil
}

func id(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}
