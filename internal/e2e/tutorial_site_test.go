package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vrrpx/vrrpx/internal/testnet"
)

// The tutorial's site: lb01 and lb02 with nginx, three web servers, a client. As
// in its chapter 7 one address is on eth0 and one on eth1; chapter 6, whose
// nginx.conf this is, has both on eth0.
const (
	vipWWW  = "10.0.0.3"
	vipBlog = "172.16.1.4"
)

// nginxConf is the file of chapter 6.2, with the second address of chapter 7.
const nginxConf = `worker_processes 1;
events {
worker_connections 1024;
}
http {
include mime.types;
default_type application/octet-stream;
sendfile on;
keepalive_timeout 65;
log_format main '$remote_addr - $remote_user [$time_local] "$request" '
'$status $body_bytes_sent "$http_referer" '
'"$http_user_agent" "$http_x_forwarded_for"';
upstream server_pools {
server 10.0.0.7;
server 10.0.0.8;
server 10.0.0.9;
}
server {
listen 10.0.0.3:80;
server_name www.etiantian.org;
location / {
proxy_pass http://server_pools;
proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr;
}
access_log logs/access_www.log main;
}
server {
listen 172.16.1.4:80;
server_name blog.etiantian.org;
location / {
proxy_pass http://server_pools;
proxy_set_header Host $host;
proxy_set_header X-Forwarded-For $remote_addr;
}
access_log logs/access_blog.log main;
}
}
`

// site is the LAN and what runs on it, all but the VRRP daemons.
type site struct {
	*testnet.LAN
	lb01, lb02, client *testnet.Host
	lb01Dead           bool
}

func newSite(t *testing.T, prefix string) *site {
	t.Helper()
	spec := testnet.Spec{Prefix: prefix, Links: 2}
	last := []int{5, 6, 7, 8, 9, 100}
	for i, name := range []string{"lb01", "lb02", "web01", "web02", "web03", "client"} {
		spec.Hosts = append(spec.Hosts, testnet.HostSpec{Name: name, Addrs: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/24", last[i]))}})
	}
	s := &site{LAN: spec.ForTest(t)}
	s.lb01, s.lb02, s.client = s.Host("lb01"), s.Host("lb02"), s.Host("client")
	for i, h := range []*testnet.Host{s.lb01, s.lb02, s.client} {
		must(t, h.DelAddr("eth1", h.Links[1].Addrs[0]))
		must(t, h.AddAddr("eth1", netip.MustParsePrefix(fmt.Sprintf("172.16.1.%d/24", []int{5, 6, 100}[i]))))
	}
	for _, name := range []string{"web01", "web02", "web03"} {
		serveWeb(t, s.Host(name))
	}
	return s
}

// serveWeb answers each request with the address it came from: the balancer's.
func serveWeb(t *testing.T, h *testnet.Host) {
	t.Helper()
	var l net.Listener
	must(t, h.Do(func() (err error) {
		l, err = net.Listen("tcp4", ":80")
		return err
	}))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		io.WriteString(w, from)
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
}

// nginx is the one of a host.
type nginx struct {
	host *testnet.Host
	dir  string
	cmd  *testnet.Cmd
}

// startNginx lets it listen on addresses that are elsewhere, as chapter 8 has it.
func startNginx(t *testing.T, h *testnet.Host) *nginx {
	t.Helper()
	must(t, h.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_nonlocal_bind", []byte("1"), 0) }))
	n := &nginx{host: h, dir: t.TempDir()}
	must(t, os.Chmod(n.dir, 0o755))
	must(t, os.Mkdir(filepath.Join(n.dir, "logs"), 0o755))
	must(t, os.WriteFile(filepath.Join(n.dir, "nginx.conf"), []byte(nginxConf), 0o644))
	must(t, os.WriteFile(filepath.Join(n.dir, "mime.types"), []byte("types {\n}\n"), 0o644))
	n.start(t)
	t.Cleanup(n.kill)
	return n
}

func (n *nginx) start(t *testing.T) {
	t.Helper()
	n.cmd = n.host.Command(context.Background(), "nginx", "-p", n.dir, "-c", n.dir+"/nginx.conf", "-g",
		"daemon off; pid "+n.dir+"/pid; error_log "+n.dir+"/error.log;")
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, n.cmd.Start())
	await(t, "nginx on "+n.host.Name, func() bool { // it writes that when it listens
		b, err := os.ReadFile(n.dir + "/pid")
		return err == nil && len(b) > 1
	})
}

// kill ends nginx as kill -9 of all its processes does.
func (n *nginx) kill() {
	_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL)
	_ = n.cmd.Wait()
	_ = os.Remove(n.dir + "/pid")
}

// onHost are programs that show a host what a machine of its own would: the
// namespaces share their processes, and have no systemd.
func onHost(t *testing.T, systemctl string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"ps": `me=$(readlink /proc/self/ns/net)
for pid in $(/usr/bin/ps -C nginx -o pid=); do
    if [ "$(readlink /proc/$pid/ns/net)" = "$me" ]; then echo $pid nginx; fi
done`,
		"systemctl": systemctl,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	}
	return dir
}

// scriptOnHost writes a script of the tutorial, which finds those programs.
func scriptOnHost(t *testing.T, bin, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	text = strings.Replace(text, "#!/bin/bash\n", "#!/bin/bash\nPATH="+bin+":$PATH\n", 1)
	must(t, os.WriteFile(path, []byte(text), 0o755))
	return path
}

// visitor asks for one address, one request after the other, about a hundred in
// a second.
type visitor struct {
	mu     sync.Mutex
	visits []visit
	stop   chan struct{}
	done   chan struct{}
}

type visit struct {
	begun, ended time.Time
	by           string // which balancer answered, by its own address; empty: none did
}

// giveUp is how long a request may take.
const giveUp = 400 * time.Millisecond

func visitFrom(t *testing.T, h *testnet.Host, vip, name string) *visitor {
	t.Helper()
	v := &visitor{stop: make(chan struct{}), done: make(chan struct{})}
	client := &http.Client{Timeout: giveUp, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			err = h.Do(func() error {
				c, err = (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
				return err
			})
			return c, err
		},
	}}
	go func() {
		defer close(v.done)
		for {
			begun := time.Now()
			by := ask(client, "http://"+vip+"/", name)
			v.mu.Lock()
			v.visits = append(v.visits, visit{begun, time.Now(), by})
			v.mu.Unlock()
			select {
			case <-v.stop:
				return
			case <-time.After(10*time.Millisecond - min(time.Since(begun), 10*time.Millisecond)):
			}
		}
	}()
	t.Cleanup(func() {
		close(v.stop)
		<-v.done
	})
	return v
}

func ask(client *http.Client, url, name string) string {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	req.Host = name
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

// figures are what became of the requests of a time.
type figures struct {
	requests, lost int
	gap            time.Duration // longest from one answer to the next
	last           string        // who gave the last answer
}

// since counts the requests that were begun after a time, up to now.
func (v *visitor) since(from time.Time) (f figures) {
	v.mu.Lock()
	defer v.mu.Unlock()
	answered := from
	for _, a := range v.visits {
		if a.begun.Before(from) {
			continue
		}
		f.requests++
		if a.by == "" {
			f.lost++
			f.gap = max(f.gap, a.ended.Sub(answered))
			continue
		}
		f.gap = max(f.gap, a.ended.Sub(answered))
		answered, f.last = a.ended, a.by
	}
	return f
}
