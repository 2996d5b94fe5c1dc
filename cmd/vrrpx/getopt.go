package main

import (
	"fmt"
	"strings"
)

// takes says whether an option has an argument.
type takes uint8

const (
	nothing takes = iota
	anArgument
	maybeArgument // in the same word only: -tFILE, --config-test=FILE
)

// option is one of getopt_long(3): a letter, a long name, or both.
type option struct {
	letter byte // 0 for none
	long   string
	takes  takes
	set    func(arg string) error
}

// getopt reads a command line as getopt_long does: letters may be bundled, an
// argument follows in the same word or the next, long names may be cut short
// while they are unique, and what is no option is returned.
func getopt(options []option, args []string) (rest []string, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			return append(rest, args...), nil
		case strings.HasPrefix(word, "--"):
			args, err = getLong(options, word[2:], args)
		case len(word) > 1 && word[0] == '-':
			args, err = getLetters(options, word[1:], args)
		default:
			rest = append(rest, word)
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, nil
}

func getLong(options []option, word string, args []string) ([]string, error) {
	name, arg, given := strings.Cut(word, "=")
	var found []option
	for _, o := range options {
		if o.long == name {
			found = []option{o}
			break
		}
		if name != "" && strings.HasPrefix(o.long, name) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("unknown or ambiguous option --%s", name)
	}
	o := found[0]
	switch {
	case given && o.takes == nothing:
		return nil, fmt.Errorf("option --%s takes no argument", o.long)
	case !given && o.takes == anArgument:
		if len(args) == 0 {
			return nil, fmt.Errorf("option --%s needs an argument", o.long)
		}
		arg, args = args[0], args[1:]
	}
	return args, o.set(arg)
}

func getLetters(options []option, letters string, args []string) ([]string, error) {
	for letters != "" {
		var o *option
		for i := range options {
			if options[i].letter == letters[0] {
				o = &options[i]
			}
		}
		if o == nil {
			return nil, fmt.Errorf("unknown option -%c", letters[0])
		}
		letters = letters[1:]
		arg := ""
		if o.takes != nothing {
			arg, letters = letters, ""
		}
		if arg == "" && o.takes == anArgument {
			if len(args) == 0 {
				return nil, fmt.Errorf("option -%c needs an argument", o.letter)
			}
			arg, args = args[0], args[1:]
		}
		if err := o.set(arg); err != nil {
			return nil, err
		}
	}
	return args, nil
}
