package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vrrpx/vrrpx/stats"
)

// leads say what an alarm comes down to, by its kind and cause or by its kind alone.
var leads = map[string]string{
	"auth_refused":                             "The hosts do not authenticate alike: adverts come and are refused.",
	"vrrp_lost":                                "The other host lives, and its adverts do not arrive: a firewall or a switch drops protocol 112.",
	"not_heard":                                "Another host does not hear our adverts: a firewall or a switch drops protocol 112 on the way to it.",
	"two_masters one_way":                      "There are two masters: we hear the other, and it does not hear us.",
	"two_masters vrid_in_use":                  "Another group of routers uses VRID %d.",
	"two_masters firewall":                     "Two others are MASTER at once: they do not hear each other.",
	"address_conflict one_way":                 "Two hosts hold the addresses: we hear the other, and it does not hear us.",
	"address_conflict firewall":                "Two hosts hold the addresses: a firewall or a switch drops protocol 112 between them, since the ARP of the other arrives and its adverts do not.",
	"address_conflict vrid_in_use":             "Another group of routers uses VRID %d.",
	"address_conflict vrid_mismatch":           "Two hosts hold the addresses: the other has them under another VRID.",
	"address_conflict password_mismatch":       "Two hosts hold the addresses: their passwords or keys differ, so that adverts are refused.",
	"address_conflict version_mismatch":        "Two hosts hold the addresses: their VRRP versions differ, so that adverts are refused.",
	"address_conflict interval_mismatch":       "Two hosts hold the addresses: their advert intervals differ, so that adverts are refused.",
	"address_conflict authentication_mismatch": "Two hosts hold the addresses: their kinds of authentication differ, so that adverts are refused.",
	"address_conflict":                         "Another host holds an address of ours as well.",
	"addresses_differ":                         "VRID %d is used by another group of routers, or the configurations differ: the addresses advertised are not ours.",
	"interval_capped":                          "Another host advertises so seldom that it is taken for dead in between: the advert intervals have to be made alike.",
	"foreign_owner":                            "Two hosts have priority 255.",
	"yielded":                                  "Another host that we do not hear holds the addresses: they were left to it.",
}

// lead is empty for alarms whose own text says all. A VRID of 0 is not known.
func lead(alarm, cause string, vrid uint8) string {
	text := leads[alarm+" "+cause]
	if text == "" {
		text = leads[alarm]
	}
	name := fmt.Sprintf("VRID %d", vrid)
	if vrid == 0 {
		name = "our VRID"
	}
	return capital(strings.Replace(text, "VRID %d", name, 1))
}

// explanations are the alarms that are the cause behind a transition for some reason: an
// advert that was refused is a silence to the machine.
var explanations = map[string][]string{
	"master_down":   {"auth_refused", "vrrp_lost", "two_masters", "address_conflict", "interval_capped"},
	"no_master":     {"auth_refused", "vrrp_lost", "two_masters", "address_conflict"},
	"better_master": {"addresses_differ", "two_masters", "interval_capped", "foreign_owner"},
	"yielded":       {"yielded"},
}

// leading are the causes behind a transition that alarms name, the most telling first, and
// which alarms those are. Two of one cause are one: what claims the addresses by ARP and by
// adverts.
func leading(e *stats.Event, alarms []stats.Event, vrid uint8) (says, kinds []string) {
	var causes []string
	for _, kind := range explanations[e.Code] {
		for i := range alarms {
			a := &alarms[i]
			text := lead(a.Alarm, a.Cause, vrid)
			if a.Alarm != kind || text == "" || slices.Contains(kinds, kind) {
				continue
			}
			if kinds = append(kinds, kind); a.Cause == "" || !slices.Contains(causes, a.Cause) {
				says, causes = append(says, text), append(causes, a.Cause)
			}
		}
	}
	return says, kinds
}

// alarms are those that stand; what was told of them already is left out.
func (v view) alarms(told []string) (says []string) {
	for _, a := range v.r.AlarmList {
		text := fmt.Sprintf("%s since %s: ", a.Kind, v.clock(a.Since))
		if l := lead(a.Kind, a.Cause, v.r.VRID); l != "" && !slices.Contains(told, a.Kind) {
			text += l + " "
		}
		says = append(says, text+sentence(a.Text))
	}
	return says
}
