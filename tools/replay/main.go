// Command replay runs again what was written down: a recording of the flight recorder,
// or a scenario of the simulator.
//
// A recording (vrrpx record) is stepped through the core, router by router, and all
// effects are compared with the recorded ones: the first difference is an error, and
// the exit code 1.
//
// A scenario of vrrp/sim is run and what happened printed: every
// advert that arrived, every advert sent and every change of state, and at the
// end the counts and the invariant that broke, if one did.
//
//	go run ./replay FILE.pcapng a recording
//	go run ./replay FILE        a file that a failing simulator test left
//	go run ./replay -seed 17    the scenario of a seed
//	go run ./replay -seed 17 -print    print that scenario, and run nothing
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/vrrpx/vrrpx/vrrp/sim"
)

func main() {
	switch err := run(os.Args[1:], os.Stdout); {
	case errors.Is(err, flag.ErrHelp): // the flags have been printed
	case err != nil:
		fmt.Fprintln(os.Stderr, "replay: error:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	seed := flags.Uint64("seed", 0, "run the scenario of this seed instead of a file's")
	text := flags.Bool("print", false, "print the scenario and do not run it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NFlag() == 0 && flags.NArg() == 1 {
		if ok, err := replayFile(flags.Arg(0), stdout); ok || err != nil {
			return err
		}
	}
	s, err := scenario(flags, *seed)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	if *text {
		fmt.Fprint(out, s.String())
		return nil
	}
	r := sim.Run(&s, out)
	fmt.Fprintf(out, "trace %016x: %+v\n", r.Hash, r.Stats)
	if r.Violation != nil {
		return r.Violation
	}
	return nil
}

// scenario is that of -seed when it is given, else that of the file.
func scenario(flags *flag.FlagSet, seed uint64) (sim.Scenario, error) {
	given := false
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == "seed" })
	if given == (flags.NArg() == 1) || flags.NArg() > 1 {
		return sim.Scenario{}, errors.New("want a scenario's file or a recording, or -seed and its number")
	}
	if given {
		return sim.Generate(seed), nil
	}
	f, err := os.Open(flags.Arg(0))
	if err != nil {
		return sim.Scenario{}, err
	}
	defer f.Close()
	s, err := sim.Parse(f)
	if err != nil {
		return s, fmt.Errorf("%s: %w", flags.Arg(0), err)
	}
	return s, nil
}
