package e2e

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

var update = flag.Bool("update", false, "write docs/tutorial.md, docs/bpftool.md and docs/stories.md anew, from what TestTutorialStepByStep, TestBpftoolPageIsTrue and TestStories see")

// chapter7 are the files of chapter 7 as they stand, for lb01 and lb02.
var chapter7 = map[string]string{
	"lb01": `global_defs {
router_id lb01
}
vrrp_script check_web {
script "/server/scripts/check_web.sh"
interval 5
weight 50
}
vrrp_instance VI_1 {
state MASTER
interface eth0
virtual_router_id 50
priority 150
advert_int 1
authentication {
auth_type PASS
auth_pass 1111
}
virtual_ipaddress {
10.0.0.3
}
}
vrrp_instance VI_2 {
state BACKUP
interface eth1
virtual_router_id 55
priority 100
advert_int 1
authentication {
auth_type PASS
auth_pass 2222
}
virtual_ipaddress {
172.16.1.4
}
#2.调用并运行该脚本
track_script {
check_web
}
}
`,
	"lb02": `global_defs {
router_id lb02
}
vrrp_script check_web {
script "/server/scripts/check_web.sh"
interval 5
weight 50
}
vrrp_script check_brain {
script "/server/scripts/check_split_brain.sh"
interval 5
weight 50
}
vrrp_instance VI_1 {
state BACKUP
interface eth0
virtual_router_id 50
priority 100
advert_int 1
authentication {
auth_type PASS
auth_pass 1111
}
virtual_ipaddress {
10.0.0.3
}
}
vrrp_instance VI_2 {
state MASTER
interface eth1
virtual_router_id 55
priority 150
advert_int 1
authentication {
auth_type PASS
auth_pass 2222
}
virtual_ipaddress {
172.16.1.4
}
#2.调用并运行该脚本
track_script {
check_web
check_brain
}
}
`,
}

// The scripts of chapter 7 as they stand.
const (
	checkWeb = `#!/bin/bash
nginxpid=$(ps -C nginx --no-header|wc -l)
#1.判断 Nginx 是否存活,如果不存活则尝试启动 Nginx
if [ $nginxpid -eq 0 ];then
systemctl start nginx
sleep 3
#2.等待 3 秒后再次获取一次 Nginx 状态
nginxpid=$(ps -C nginx --no-header|wc -l)
#3.再次进行判断, 如 Nginx 还不存活则停止 Keepalived,让地址进行漂移,并退出脚本
if [ $nginxpid -eq 0 ];then
systemctl stop keepalived
fi
fi
`
	checkBrain = `#!/bin/bash
lb01_vip=10.0.1.3
lb01_nginx=$(curl -x 10.0.1.5:80 -I -s -w "%{http_code}\n" -o /dev/null blog.oldzhang.com)
#ping -c 1 -W 1 ${lb01_ip} &>/dev/null
#如果lb01的IP能ping通,但是我自己也存在VIP,我就认为发生裂脑了,我就把自己的keep干掉
if [ ${lb01_nginx} -eq 200 -a ` + "`ip add|grep \"$lb01_vip\"|wc -l`" + ` -eq 1 ];then
echo "ha is bad" >> /tmp/check.txt
systemctl stop keepalived
else
echo "ha is ok" >> /tmp/check.txt
fi
`
)

// mended is a file of chapter 7 with what check says of it put right: both
// routers track nginx, with a weight above the difference of the priorities, and
// the script says by its exit status whether there is one. It is asked every
// second. A master that yields says so, without which the winner of a split
// brain may not hear that there was one, and clients stay with the loser's MAC
// until their ARP entries are out. What check_brain is for vrrpx does itself.
func mended(name, script string) string {
	const track = "track_script {\ncheck_web\n}\n"
	text := strings.NewReplacer("weight 50", "weight 60", "interval 5", "interval 1", "/server/scripts/check_web.sh", script).Replace(chapter7[name])
	if before, rest, found := strings.Cut(text, "vrrp_script check_brain {"); found {
		_, after, _ := strings.Cut(rest, "}\n")
		text = before + after
	}
	text = strings.Replace(text, "check_brain\n", "", 1)
	text = strings.Replace(text, "router_id", "vrrp_higher_prio_send_advert\nrouter_id", 1)
	return strings.Replace(text, "10.0.0.3\n}\n", "10.0.0.3\n}\n"+track, 1)
}

const webRuns = "#!/bin/bash\n[ $(ps -C nginx --no-header|wc -l) -gt 0 ]\n"

// step is a line of the table: what is done, and who then holds the addresses.
type step struct {
	name string
	do   func()
	// Holders of the two addresses: lb01, lb02 or both. theirs is keepalived's,
	// where it differs.
	want, theirs [2]string
	// breaks tells for each address that requests are lost until it has moved.
	breaks [2]bool
	stay   time.Duration // how long it has to stay so, beyond a second
}

// row is what came of a step.
type row struct {
	step    string
	holders [2]string
	figures [2]figures
}

func (s *site) holders() (now [2]string) {
	for i, vip := range [2]string{vipWWW, vipBlog} {
		// What a dead host still has is nobody's: its daemon may have been killed before it
		// saw that the cables were out, or after.
		switch one, two := !s.lb01Dead && s.lb01.HasAddr(vip), s.lb02.HasAddr(vip); {
		case one && two:
			now[i] = "both"
		case one:
			now[i] = "lb01"
		case two:
			now[i] = "lb02"
		default:
			now[i] = "none"
		}
	}
	return now
}

// Chapters 5 to 7 step by step, vrrpx and the real keepalived each on a LAN of
// its own at the same time: who holds the two addresses after each step, and
// what a client that asks without pause has lost.
func TestTutorialStepByStep(t *testing.T) {
	testnet.Need(t, "root", "keepalived", "nginx", "bash", "ps")
	var ours, theirs []row
	t.Run("both", func(t *testing.T) {
		t.Run("vrrpx", func(t *testing.T) {
			t.Parallel()
			ours = play(t, native, "t-tutx-")
		})
		t.Run("keepalived", func(t *testing.T) {
			t.Parallel()
			theirs = play(t, keepalived, "t-tutk-")
		})
		t.Run("chapter 7 as it stands", func(t *testing.T) {
			t.Parallel()
			chapter7AsItStands(t, "t-tut7-")
		})
	})
	text := table("vrrpx", ours) + "\n" + table("keepalived 2.2.7", theirs)
	t.Log("\n" + text)
	if *update && !t.Failed() {
		must(t, os.WriteFile("../../docs/tutorial.md", []byte(strings.Replace(tutorialDoc, "TABLES\n", text, 1)), 0o644))
	}
}

func play(t *testing.T, p party, prefix string) (rows []row) {
	s := newSite(t, prefix)
	bin := onHost(t, "exit 1")
	web := startNginx(t, s.lb01)
	startNginx(t, s.lb02)
	script := scriptOnHost(t, bin, "check_web.sh", webRuns)
	if p.kind == testnet.VRRPX {
		checkMended(t, script)
	}
	var d1 *testnet.Daemon
	visitors := [2]*visitor{visitFrom(t, s.client, vipWWW, "www.etiantian.org"), visitFrom(t, s.client, vipBlog, "blog.etiantian.org")}
	apart, onTwo, split := [2]string{"lb01", "lb02"}, [2]string{"lb02", "lb02"}, [2]string{"both", "both"}
	first := [2]bool{true, false}
	for _, st := range []step{
		{name: "both hosts start", do: func() {
			d1 = p.start(t, s.lb01, mended("lb01", script))
			p.start(t, s.lb02, mended("lb02", script))
		}, want: apart, breaks: [2]bool{true, true}},
		{name: "nginx dies on lb01 and does not start again", do: web.kill, want: onTwo, breaks: first},
		{name: "nginx runs on lb01 again", do: func() { web.start(t) }, want: apart},
		{name: "lb01 dies: kill -9, cables out", do: func() {
			must(t, s.Cut("lb01"))
			d1.SendKill9()
			s.lb01Dead = true
		}, want: onTwo, breaks: first},
		{name: "lb01 is back", do: func() {
			d1.Kill9()
			reboot(t, s.lb01)
			must(t, d1.Start())
			must(t, s.Join("lb01"))
			s.lb01Dead = false
		}, want: apart},
		{name: "a firewall drops VRRP on both hosts", do: func() {
			must(t, s.lb01.DropVRRP())
			must(t, s.lb02.DropVRRP())
		}, want: apart, theirs: split, stay: 4 * time.Second},
		{name: "the firewall is off", do: func() {
			must(t, s.lb01.AllowVRRP())
			must(t, s.lb02.AllowVRRP())
		}, want: apart},
		{name: "the line between lb01 and lb02 is cut", do: func() { must(t, s.Part("lb01", "lb02")) }, want: split},
		{name: "the line is mended", do: func() { must(t, s.Unpart("lb01", "lb02")) }, want: apart},
	} {
		want := st.want
		if p == keepalived && st.theirs[0] != "" {
			want = st.theirs
		}
		rows = append(rows, st.run(t, s, visitors, want))
	}
	return rows
}

// run takes a step and looks what comes of it.
func (st step) run(t *testing.T, s *site, visitors [2]*visitor, want [2]string) row {
	t.Helper()
	begun := time.Now()
	st.do()
	if st.stay > 0 {
		time.Sleep(st.stay) // what must not move has to be given the time to
	}
	if !testnet.WaitFor(patience, func() bool {
		time.Sleep(20 * time.Millisecond) // two of these run at once, and a client beside each
		return s.holders() == want
	}) {
		t.Fatalf("%s: after %v %v hold the addresses, want %v", st.name, time.Since(begun), s.holders(), want)
	}
	time.Sleep(time.Second)
	r := row{st.name, s.holders(), [2]figures{visitors[0].since(begun), visitors[1].since(begun)}}
	if r.holders != want {
		t.Errorf("%s: %v hold the addresses a second later, want %v", st.name, r.holders, want)
	}
	for i, f := range r.figures {
		balancer := map[string]string{"lb01": "10.0.0.5", "lb02": "10.0.0.6"}[want[i]]
		if balancer != "" && f.last != balancer || f.last == "" {
			t.Errorf("%s: the last answer came from %q, and %s has the address", st.name, f.last, want[i])
		}
		switch {
		case st.breaks[i] && f.lost == 0:
			t.Errorf("%s: no request was lost: nothing has happened", st.name)
		case st.breaks[i] && f.gap > 10*time.Second, !st.breaks[i] && f.gap > 3*time.Second:
			t.Errorf("%s: no answer for %v", st.name, f.gap)
		}
	}
	return r
}

// reboot takes away the addresses that a killed daemon leaves behind.
func reboot(t *testing.T, h *testnet.Host) {
	t.Helper()
	for dev, vip := range map[string]string{"eth0": vipWWW, "eth1": vipBlog} {
		if h.HasAddr(vip) {
			must(t, h.DelAddr(dev, netip.MustParsePrefix(vip+"/32")))
		}
	}
}

// checkMended: nothing more is said of the files, neither alone nor together.
func checkMended(t *testing.T, script string) {
	t.Helper()
	if out := checkPair(t, mended("lb01", script), mended("lb02", script)); strings.Contains(out, "warning") {
		t.Errorf("check says of the mended files: %s", out)
	}
}

// checkPair is what check says of the two files, looking at no host.
func checkPair(t *testing.T, one, two string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/lb01.conf", []byte(one), 0o644))
	must(t, os.WriteFile(dir+"/lb02.conf", []byte(two), 0o644))
	out, err := exec.Command(testnet.Binary(t), "check", "--host=off", "-f", dir+"/lb01.conf", "--peer", dir+"/lb02.conf").CombinedOutput()
	if err != nil {
		t.Errorf("check: %v: %s", err, out)
	}
	return string(out)
}

// chapter7AsItStands: check points out what the weights lack, and the script,
// which stops the daemon when nginx cannot be started, moves the address all
// the same.
func chapter7AsItStands(t *testing.T, prefix string) {
	out := checkPair(t, chapter7["lb01"], chapter7["lb02"])
	for _, want := range []string{
		`lb02.conf:43:1: warning: (VI_2) when "check_web" alone fails nothing moves: 250-50 = 200, still above the other host's 150 at`,
		`lb02.conf:44:1: warning: (VI_2) when "check_brain" alone fails nothing moves: 250-50 = 200, still above the other host's 150 at`,
		"hint: 51 more will do",
		`lb01.conf:9:1: notice: VI_1: no script is tracked, though others here do`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q: %s", want, out)
		}
	}

	s := newSite(t, prefix)
	pidFile := t.TempDir() + "/pid"
	bin := onHost(t, `case "$*" in
"stop keepalived") kill -TERM $(cat `+pidFile+`) ;;
*) exit 1 ;;
esac`)
	web := startNginx(t, s.lb01)
	startNginx(t, s.lb02)
	here := func(name string) string {
		return strings.NewReplacer(
			"/server/scripts/check_web.sh", scriptOnHost(t, bin, "check_web.sh", checkWeb),
			"/server/scripts/check_split_brain.sh", scriptOnHost(t, bin, "check_split_brain.sh", strings.ReplaceAll(checkBrain, "/tmp/check.txt", "/dev/null")),
		).Replace(chapter7[name])
	}
	d1 := start(t, s.lb01, "native", here("lb01"))
	must(t, os.WriteFile(pidFile, []byte(fmt.Sprint(d1.PIDs()[0])), 0o644))
	start(t, s.lb02, "native", here("lb02"))
	held := func(want [2]string) func() bool {
		return func() bool {
			time.Sleep(20 * time.Millisecond)
			return s.holders() == want
		}
	}
	await(t, "each to hold its address", held([2]string{"lb01", "lb02"}))
	web.kill()
	await(t, "the script to stop vrrpx on lb01, and lb02 to take its address", held([2]string{"lb02", "lb02"}))
	if d1.Running() {
		await(t, "vrrpx to end", func() bool { return !d1.Running() })
	}
}

// table writes the rows for people.
func table(who string, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | %s: held by | requests lost | longest gap | %s: held by | requests lost | longest gap |\n|---|---|---|---|---|---|---|\n", who, vipWWW, vipBlog)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.step)
		for i, f := range r.figures {
			fmt.Fprintf(&b, " %s | %d of %d | %.2f s |", r.holders[i], f.lost, f.requests, f.gap.Seconds())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
