package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vrrpx/vrrpx/internal/config"
)

// routerOptions is one virtual router on the command line.
type routerOptions struct {
	flags    *pflag.FlagSet
	iface    *string
	vrid     *uint8
	priority *uint8
	vips     *[]string
	interval *time.Duration
	version  *uint8
	preempt  *bool
}

func routerFlags(f *pflag.FlagSet) *routerOptions {
	return &routerOptions{
		flags:    f,
		iface:    f.StringP("interface", "i", "", "without a file: the `INTERFACE` of one virtual router"),
		vrid:     f.Uint8("vrid", 0, "its `VRID`, 1 to 255"),
		priority: f.Uint8("priority", 100, "its priority, 1 to 255; 255 owns the addresses"),
		vips:     f.StringArray("vip", nil, "a virtual `ADDRESS`, as 10.0.0.3/24 or fe80::3/64; may be repeated"),
		interval: f.Duration("advert-int", time.Second, "time between adverts"),
		version:  f.Uint8("vrrp-version", 3, "2 or 3"),
		preempt:  f.Bool("preempt", true, "take over from a lower priority"),
	}
}

func (r *routerOptions) given() bool {
	given := false
	r.flags.Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "interface", "vrid", "priority", "vip", "advert-int", "vrrp-version", "preempt":
			given = true
		}
	})
	return given
}

// config writes the router down in the language of the file and reads that, so
// that the flags mean what the keywords mean and are checked as they are.
func (r *routerOptions) config() (*config.Config, []config.Diagnostic) {
	var b strings.Builder
	fmt.Fprintf(&b, "vrrp_instance %s {\n", word(fmt.Sprintf("%s-%d", *r.iface, *r.vrid)))
	fmt.Fprintf(&b, "interface %s\nvirtual_router_id %d\npriority %d\nversion %d\n", word(*r.iface), *r.vrid, *r.priority, *r.version)
	fmt.Fprintf(&b, "advert_int %v\n", r.interval.Seconds())
	if !*r.preempt {
		b.WriteString("nopreempt\n")
	}
	b.WriteString("virtual_ipaddress {\n")
	for _, v := range *r.vips {
		fmt.Fprintln(&b, line(v))
	}
	b.WriteString("}\n}\n")
	return config.Parse("command line", []byte(b.String()))
}

// word keeps a flag's value one word of the file.
func word(s string) string {
	return `"` + strings.NewReplacer(`"`, "", `\`, "", "\n", " ").Replace(s) + `"`
}

// line keeps a flag's value one line of the file: --vip takes what a line of
// virtual_ipaddress has.
func line(s string) string {
	return strings.NewReplacer("{", "", "}", "", "\n", " ").Replace(s)
}
