package config

import "time"

var scriptTable = table{
	"script":   keyword{shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(&in.script.Command, s) }},
	"interval": seconds(minScriptInterval, maxScriptInterval, func(in *interpreter, d time.Duration) { in.script.Interval = d }),
	"timeout":  seconds(minScriptInterval, maxScriptInterval, func(in *interpreter, d time.Duration) { in.script.Timeout = d }),
	"weight":   keyword{shape: pairShape, set: func(in *interpreter, s *statement) { in.setWeight(&in.script.Weight, s.args(), maxWeight) }},
	"rise":     number(1, maxTally, func(in *interpreter, n int) { in.script.Rise = n }),
	"fall":     number(1, maxTally, func(in *interpreter, n int) { in.script.Fall = n }),
	"user": keyword{shape: pairShape, set: func(in *interpreter, s *statement) {
		setUser(&in.script.Command.User, &in.script.Command.Group, s)
	}},
	"init_fail": noValue(func(in *interpreter) { in.script.InitFail = true }),
}

// told is a notify keyword of a router.
func told(which func(*Notify) *Command) keyword {
	return keyword{shape: commandShape, set: func(in *interpreter, s *statement) { in.setCommand(which(&in.cur.Notify), s) }}
}

// setNotifyDeleted reads notify_deleted [COMMAND [USER [GROUP]]].
func (in *interpreter) setNotifyDeleted(s *statement) {
	n := &in.cur.Notify
	n.AsDeleted = true
	if len(s.words) > 1 {
		in.setCommand(&n.Deleted, s)
	}
}

func (in *interpreter) setScriptUser(s *statement) {
	setUser(&in.global.ScriptUser, &in.global.ScriptGroup, s)
}

// setUser reads USER [GROUP].
func setUser(user, group *string, s *statement) {
	*user, *group = s.words[1].text, ""
	if len(s.words) > 2 {
		*group = s.words[2].text
	}
}
