package config

// Commands are the programs that a configuration runs, in the order of the
// file: check scripts, then what is told of transitions.
func (c *Config) Commands() []Command {
	var all []Command
	for _, s := range c.Scripts {
		all = append(all, s.Command)
	}
	some := []Command{c.Global.NotifyAlarm, c.Global.NotifyFIFO.Script, c.Global.VRRPNotifyFIFO.Script}
	for _, g := range c.Groups {
		some = append(some, g.Notify.Master, g.Notify.Backup, g.Notify.Fault, g.Notify.Stop, g.Notify.Any)
	}
	for _, r := range c.Routers {
		n := r.Notify
		some = append(some, n.Master, n.Backup, n.Fault, n.Stop, n.Any, n.MasterHearsLower, n.Alarm, n.Deleted)
		if r.SplitBrain != nil {
			some = append(some, r.SplitBrain.Script)
		}
	}
	for _, command := range some {
		if len(command.Argv) > 0 {
			all = append(all, command)
		}
	}
	return all
}
