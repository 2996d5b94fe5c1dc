package config

var groupTable = table{
	"group":                      lines((*interpreter).setMembers),
	"sync_group_tracking_weight": noValue(func(in *interpreter) { in.group().TrackingWeight = true }),
	"global_tracking":            noValue((*interpreter).globalTracking),

	// in.cur stands for the group while its block is read.
	"notify":                  told(func(n *Notify) *Command { return &n.Any }),
	"notify_master":           told(func(n *Notify) *Command { return &n.Master }),
	"notify_backup":           told(func(n *Notify) *Command { return &n.Backup }),
	"notify_fault":            told(func(n *Notify) *Command { return &n.Fault }),
	"notify_stop":             told(func(n *Notify) *Command { return &n.Stop }),
	"notify_priority_changes": ignored(aboutUnused), // a group has no priority
	"smtp_alert":              boolean(func(in *interpreter, on bool) { in.cur.SMTPAlert = on }),

	"track_script":    lines(func(in *interpreter, s *statement) { in.tracks(&in.cur.Scripts, s) }),
	"track_interface": lines(func(in *interpreter, s *statement) { in.tracks(&in.cur.Interfaces, s) }),
	"track_file":      lines(func(in *interpreter, s *statement) { in.tracksTo(&in.cur.Files, s, maxFileWeight) }),
	"track_process":   lines(func(in *interpreter, s *statement) { in.tracksTo(&in.cur.Processes, s, maxFileWeight) }),
	"track_bfd":       laterBlock("remove it, and keep keepalived where BFD decides", freeLines),
}
