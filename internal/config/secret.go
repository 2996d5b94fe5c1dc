package config

import (
	"fmt"
	"io"
)

// Secret is a password that does not print: String, every fmt verb, JSON and
// text encoding all write "********". Reveal is the one way to its value.
type Secret string

const redacted = "********"

// Reveal returns the password itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string { return redacted }

// Format covers the verbs that String does not reach, such as %q, %x and %#v.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText covers encoding/json, log/slog and their like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
