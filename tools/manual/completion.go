package main

import (
	"fmt"
	"strings"
)

// kind of the value of an option, to complete it.
type kind uint8

const (
	anyValue kind = iota
	noValue
	fileValue
	interfaceValue
	choiceValue
)

func (o option) kind() kind {
	switch {
	case o.Value == "":
		return noValue
	case len(o.Choices) > 0:
		return choiceValue
	case o.Value == "FILE":
		return fileValue
	case o.Value == "INTERFACE":
		return interfaceValue
	}
	return anyValue
}

// names are the words by which an option is given.
func (o option) names() []string {
	if o.Letter == "" {
		return []string{"--" + o.Long}
	}
	return []string{"-" + o.Letter, "--" + o.Long}
}

func (p *program) names() []string {
	names := []string{"help"}
	for _, c := range p.Commands {
		names = append(names, c.Name)
	}
	return names
}

// bash works with and without the package bash-completion.
func (p *program) bash() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion for vrrpx(8). %s

_vrrpx() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	# --option=value comes as three words; an argument that may be left out comes in no other way.
	if [[ $cur == = ]]; then
		cur='' prev=$prev=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}=
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W '%s --help --version' -- "$cur")
		return
	fi
	local files='' words=''
	case "${COMP_WORDS[1]} $prev" in
`, madeBy, strings.Join(p.names(), " "))
	for _, c := range p.Commands {
		for _, o := range c.Flags {
			var pattern []string
			names := append(o.names(), "--"+o.Long+"=")
			if o.Optional {
				names = names[len(names)-1:]
			}
			for _, n := range names {
				pattern = append(pattern, fmt.Sprintf("'%s %s'", c.Name, n))
			}
			fmt.Fprintf(&b, "%s", o.bashCase(strings.Join(pattern, " | ")))
		}
	}
	b.WriteString("\t*)\n\t\tcase ${COMP_WORDS[1]} in\n")
	for _, c := range p.Commands {
		var words []string
		for _, o := range c.Flags {
			words = append(words, "--"+o.Long)
		}
		if c.Name != "keepalived" {
			words = append(words, "--help")
		}
		fmt.Fprintf(&b, "\t\t%s) words='%s' ;;\n", c.Name, strings.Join(words, " "))
	}
	b.WriteString(`		esac
		;;
	esac
	if [[ $files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	fi
}
complete -F _vrrpx vrrpx
`)
	return b.String()
}

// bashCase is what stands for the value after an option; empty for a switch.
func (o option) bashCase(pattern string) string {
	does := ""
	switch o.kind() {
	case noValue:
		return ""
	case fileValue:
		does = "files=yes "
	case interfaceValue:
		does = "words=$(cd /sys/class/net && echo *) "
	case choiceValue:
		does = "words='" + strings.Join(o.Choices, " ") + "' "
	}
	return fmt.Sprintf("\t%s) %s;;\n", pattern, orColon(does))
}

// orColon is a command even where there is nothing to do.
func orColon(does string) string {
	if does == "" {
		return ": "
	}
	return does
}

func (p *program) zsh() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#compdef vrrpx\n# %s\n\n_vrrpx() {\n\tlocal -a commands\n\tcommands=(\n\t\t'help:list the commands'\n", madeBy)
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "\t\t%s\n", quoted(c.Name+":"+c.Short))
	}
	b.WriteString("\t)\n\tif ((CURRENT == 2)); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words\n\t((CURRENT--))\n\tcase $command in\n")
	for _, c := range p.Commands {
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments", c.Name)
		for _, o := range c.Flags {
			fmt.Fprintf(&b, " \\\n\t\t\t%s", o.zsh())
		}
		if c.Name != "keepalived" {
			b.WriteString(" \\\n\t\t\t'--help[show the options]'")
		}
		b.WriteString("\n\t\t;;\n")
	}
	b.WriteString("\tesac\n}\n\n_vrrpx \"$@\"\n")
	return b.String()
}

// zsh is an option as _arguments has it.
func (o option) zsh() string {
	text := o.Text
	if text == "" {
		text = "as keepalived has it"
	}
	rest := "[" + specText(text) + "]"
	label := ":" + specText(strings.ToLower(o.Value)) + ":"
	if o.Optional {
		label = ":" + label
	}
	switch o.kind() {
	case fileValue:
		rest += label + "_files"
	case interfaceValue:
		rest += label + "_net_interfaces"
	case choiceValue:
		rest += label + "(" + strings.Join(o.Choices, " ") + ")"
	case anyValue:
		rest += label
	}
	equals := ""
	if o.kind() != noValue {
		equals = "="
		if o.Optional {
			equals = "=-" // in the same word alone
		}
	}
	short := ""
	if o.Letter != "" {
		short = "-" + o.Letter
		if o.kind() != noValue {
			short += "+"
		}
		if o.Optional {
			short = "-" + o.Letter + "-"
		}
	}
	long := "--" + o.Long + equals
	before := ""
	if o.Repeat {
		before = "*"
	}
	switch {
	case short == "":
		return quoted(before + long + rest)
	case o.Repeat:
		return quoted("*") + "{" + short + "," + long + "}" + quoted(rest)
	}
	return quoted("(-"+o.Letter+" --"+o.Long+")") + "{" + short + "," + long + "}" + quoted(rest)
}

// specText is text within a specification of _arguments.
func specText(text string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`).Replace(text)
}

// quoted is one word of a shell.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
