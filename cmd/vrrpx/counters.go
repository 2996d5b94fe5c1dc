package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/pflag"
)

// runCounters prints one counter a line, `object name value`, for scripts.
func runCounters(ctx context.Context, e env, flags *pflag.FlagSet, args []string) error {
	if err := parse(flags, args); err != nil {
		return err
	}
	st, err := askStatus(ctx)
	if err != nil {
		return err
	}
	print := func(object, name string, v uint64) { fmt.Fprintf(e.stdout, "%s %s %d\n", object, name, v) }
	for _, i := range st.Interfaces {
		print("interface/"+i.Name, "vrrp_frames", i.Frames)
		for _, name := range sortedKeys(i.Drops) {
			print("interface/"+i.Name, "drop_"+name, i.Drops[name])
		}
	}
	for _, r := range st.Routers {
		o := "router/" + r.Name
		print(o, "adverts_received", r.Received)
		print(o, "adverts_sent", r.Sent)
		print(o, "garps_sent", r.GARPs)
		print(o, "transitions", uint64(len(r.History)))
		print(o, "became_master", r.BecameMaster)
		print(o, "released_master", r.ReleasedMaster)
		print(o, "priority_zero_received", r.ZeroReceived)
		print(o, "priority_zero_sent", r.ZeroSent)
		print(o, "lease_lapses", r.Lapses)
		print(o, "pauses", r.Pauses)
		print(o, "pauses_survived", r.PausesSurvived)
		print(o, "stalls", r.Stalls)
		print(o, "near_misses", r.NearMisses)
		print(o, "questions_unanswered", r.Unanswered)
		if r.KernelTakeover != "" {
			print(o, "kernel_takeovers", r.KernelTakeovers)
			print(o, "kernel_takeovers_ended", r.KernelGaveWay)
		}
		for _, name := range sortedKeys(r.Drops) {
			print(o, "drop_"+name, r.Drops[name])
		}
		print(o, "address_claims", r.Claims)
		for _, kind := range sortedKeys(r.AlarmCounts) {
			print(o, "alarm_"+kind, r.AlarmCounts[kind])
		}
		for k, n := range r.Arrivals {
			if n > 0 {
				print(o, fmt.Sprintf("arrivals_from_%dus", uint64(1)<<k), n)
			}
		}
	}
	print("pacer", "laps", st.Pacer.Laps)
	print("pacer", "starved", st.Pacer.Starved)
	print("pacer", "late", st.Pacer.Late)
	print("pacer", "missed", st.Pacer.Missed)
	print("pacer", "send_errors", st.Pacer.SendErrors)
	print("log", "lines_written", st.Logs.Written)
	print("log", "lines_dropped", st.Logs.Dropped)
	return nil
}

func sortedKeys(m map[string]uint64) []string { return slices.Sorted(maps.Keys(m)) }
