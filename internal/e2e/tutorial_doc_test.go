package e2e

// tutorialDoc is docs/tutorial.md without its figures.
const tutorialDoc = "<!-- Written by `go test ./internal/e2e -run TutorialStepByStep -update`. -->\n" + `# The tutorial, step by step

Two load balancers with nginx, two addresses, each MASTER of one and BACKUP of the other: the pair of a well-known Chinese
tutorial on keepalived, its chapters 5 to 7. The test plays it with vrrpx and with the real keepalived 2.2.7 on a LAN each, at the
same time, and counts what a client loses that asks both addresses one request after the other, about a hundred a second. A
request that gets no answer in 0.4 s is lost. The gap is the longest time from one answer to the next. Adverts are a second
apart, as in the tutorial: a BACKUP takes over 3.2 to 3.7 s after the last one.

TABLES
* The firewall drops IP protocol 112 in INPUT and OUTPUT, as one that was not told of VRRP does. keepalived is deaf and dumb behind it,
  and both hosts hold both addresses. vrrpx hears in XDP, before the firewall, and sends past it.
* The cut line leaves both hosts in reach of the client and the web servers. No daemon can tell that from a dead host by adverts alone;
  [split brain](split-brain.md) says what a probe over another way adds.

## The files

They are those of chapter 7, with what ` + "`vrrpx check`" + ` says of them put right. As they stand:

    $ vrrpx check -f lb01.conf --peer lb02.conf
    lb01.conf:9:1: notice: VI_1: no script is tracked, though others here do: these addresses stay whatever fails
      hint: track_script in every vrrp_instance that depends on a script
    lb02.conf:43:1: warning: (VI_2) when "check_web" alone fails nothing moves: 250-50 = 200, still above the other host's 150 at lb01.conf:27:1
      hint: 51 more will do: a greater weight on both hosts, or priorities that are closer

So VI_1 tracks check_web too, and the weight is 60, more than the 50 by which the priorities differ. Also:

* the check tells by its exit status whether nginx runs, every second, and does not stop the daemon;
* check_brain is left out: split brain is for the daemon to see;
* vrrp_higher_prio_send_advert is on: a MASTER that yields says so. Without it the winner of a split brain may never hear that there was
  another one, announces nothing, and clients stay with the loser's MAC address until their ARP entry is out. That holds for
  keepalived as for vrrpx;
* nginx listens on 172.16.1.4, as VI_2 of chapter 7 has it, and not on chapter 6's 10.0.0.4; net.ipv4.ip_nonlocal_bind is 1, as in
  chapter 8, so that it starts on the host that does not hold the address.

The same test runs the files and both scripts as they stand, but for the folder of the scripts and for ps and systemctl, which show a
namespace what a machine of its own would: nginx is killed and cannot be started, check_web.sh stops vrrpx, and lb02 takes the
address over.
`
