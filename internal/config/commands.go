package config

// Commands are the programs that a configuration runs, in the order of the
// file: check scripts, then what is told of transitions.
func (c *Config) Commands() []Command {
	var all []Command
	for _, s := range c.Scripts {
		all = append(all, s.Command)
	}
	for _, r := range c.Routers {
		n := r.Notify
		for _, command := range []Command{n.Master, n.Backup, n.Fault, n.Stop, n.Any, n.MasterHearsLower, n.Alarm} {
			if len(command.Argv) > 0 {
				all = append(all, command)
			}
		}
	}
	return all
}
