# vrrpx. On a fresh Debian machine with Go, as root: `make run`, `make test`.

GO     ?= go
# The commit that is built, marked where the tree is not quite that.
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null && { test -z "$$(git status --porcelain)" || echo .dirty; })
COMMIT := $(subst $() ,,$(COMMIT))
LDFLAGS := -s -w $(if $(COMMIT),-X github.com/vrrpx/vrrpx/internal/version.commit=$(COMMIT))

# Debian packages that the tests need and `make run` does not: peers, tools, oracles.
TEST_PACKAGES := keepalived nginx frr bpftool tshark tcpdump iproute2 iputils-ping iptables nftables procps opensmtpd prometheus \
	systemd groff-base mandoc tmux zsh
# Those that the bench needs: it makes namespaces and reads the wire by itself.
BENCH_PACKAGES := keepalived
# The compiler that made the committed objects, which Debian 12 has.
BPF_PACKAGES := clang-14 llvm-14 libbpf-dev linux-libc-dev

.PHONY: build install uninstall stage packages packages-test manual run test deps generate lint fuzz sim model bench clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/vrrpx ./cmd/vrrpx

# As a Debian package would: PREFIX=/usr. DESTDIR is where a package is made.
PREFIX  ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
UNITDIR ?= $(if $(filter /usr,$(PREFIX)),/usr/lib/systemd/system,/etc/systemd/system)
DOCDIR  ?= $(PREFIX)/share/doc/vrrpx
MANDIR  ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR  ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

install: build
	install -D -m 0755 bin/vrrpx $(DESTDIR)$(SBINDIR)/vrrpx
	install -d -m 0755 $(DESTDIR)$(UNITDIR)
	sed 's,/usr/sbin/,$(SBINDIR)/,' packaging/systemd/vrrpx.service > $(DESTDIR)$(UNITDIR)/vrrpx.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/vrrpx.service
	[ -L $(DESTDIR)$(UNITDIR)/vrrpx.service.d/keepalived.conf ] || install -D -m 0644 packaging/systemd/vrrpx.service.d/keepalived.conf $(DESTDIR)$(UNITDIR)/vrrpx.service.d/keepalived.conf
	install -D -m 0644 packaging/man/vrrpx.8 $(DESTDIR)$(MANDIR)/man8/vrrpx.8
	install -D -m 0644 packaging/man/vrrpx.conf.5 $(DESTDIR)$(MANDIR)/man5/vrrpx.conf.5
	install -D -m 0644 packaging/completion/vrrpx.bash $(DESTDIR)$(BASHDIR)/vrrpx
	install -D -m 0644 packaging/completion/_vrrpx $(DESTDIR)$(ZSHDIR)/_vrrpx
	[ -e $(DESTDIR)/etc/default/vrrpx ] || install -D -m 0644 packaging/default/vrrpx $(DESTDIR)/etc/default/vrrpx
	[ -e $(DESTDIR)/etc/logrotate.d/vrrpx ] || install -D -m 0644 packaging/logrotate/vrrpx $(DESTDIR)/etc/logrotate.d/vrrpx
	[ -e $(DESTDIR)/etc/needrestart/conf.d/vrrpx.conf ] || install -D -m 0644 packaging/needrestart/vrrpx.conf $(DESTDIR)/etc/needrestart/conf.d/vrrpx.conf
	install -D -m 0644 packaging/examples/keepalived.conf $(DESTDIR)$(DOCDIR)/examples/keepalived.conf
	install -m 0644 README.md CHANGELOG.md LICENSE bpf/LICENSE.* docs/*.md $(DESTDIR)$(DOCDIR)/
	install -d -m 0755 $(DESTDIR)$(DOCDIR)/monitoring
	install -m 0644 packaging/prometheus/*.yml packaging/grafana/vrrpx.json $(DESTDIR)$(DOCDIR)/monitoring/

# What install made. What an operator may have written stays: /etc.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/vrrpx $(DESTDIR)$(UNITDIR)/vrrpx.service
	[ -L $(DESTDIR)$(UNITDIR)/vrrpx.service.d/keepalived.conf ] || rm -f $(DESTDIR)$(UNITDIR)/vrrpx.service.d/keepalived.conf
	[ ! -d $(DESTDIR)$(UNITDIR)/vrrpx.service.d ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(UNITDIR)/vrrpx.service.d
	rm -f $(DESTDIR)$(MANDIR)/man8/vrrpx.8 $(DESTDIR)$(MANDIR)/man5/vrrpx.conf.5 $(DESTDIR)$(BASHDIR)/vrrpx $(DESTDIR)$(ZSHDIR)/_vrrpx
	rm -rf $(DESTDIR)$(DOCDIR)

# deb and rpm in bin/packages, from one commit the same bytes each time. GOARCH=arm64
# for another machine. What is no release sorts before the one that it becomes, and
# what is not quite the release after it.
EPOCH   = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
NUMBER  = $(shell sed -n 's/^const number = "\(.*\)"/\1/p' internal/version/version.go)
RELEASE = $(shell git describe --tags --exact-match --match v$(NUMBER) 2>/dev/null)
PACKAGE_VERSION ?= $(NUMBER)$(if $(RELEASE),$(if $(findstring .dirty,$(COMMIT)),+dirty),~$(shell date -u -d @$(EPOCH) +%Y%m%d%H%M%S)$(if $(COMMIT),.g$(COMMIT)))
STAGE   := $(CURDIR)/bin/stage
stage:
	rm -rf '$(STAGE)'
	$(MAKE) install PREFIX=/usr DESTDIR='$(STAGE)'
	install -D -m 0644 packaging/preset/90-vrrpx.preset '$(STAGE)'/usr/lib/systemd/system-preset/90-vrrpx.preset
	install -D -m 0644 packaging/sysusers/vrrpx.conf '$(STAGE)'/usr/lib/sysusers.d/vrrpx.conf
	(cat packaging/copyright && cd tools && env -u GOARCH $(GO) run ./notices '$(STAGE)/usr/sbin/vrrpx') >'$(STAGE)'/usr/share/doc/vrrpx/copyright
	mv '$(STAGE)'/usr/share/doc/vrrpx/CHANGELOG.md '$(STAGE)'/usr/share/doc/vrrpx/changelog
	gzip -9n '$(STAGE)'/usr/share/man/man?/* '$(STAGE)'/usr/share/doc/vrrpx/changelog
	chmod -R u=rwX,go=rX '$(STAGE)'
	find '$(STAGE)' -exec touch -h -d @$(EPOCH) {} +

packages: stage
	rm -rf bin/packages
	mkdir -p bin/packages
	printf -- '- {semver: "%s-1", date: "%s", packager: "The vrrpx authors <vrrpx@users.noreply.github.com>", deb: {urgency: medium, distributions: [unstable]}, changes: [{note: "%s"}]}\n' \
		'$(PACKAGE_VERSION)' "$$(date -u -d @$(EPOCH) +%FT%TZ)" 'Made of the source; changelog.gz has what is new.' >bin/changelog.yaml
	for packager in deb rpm; do (cd tools && \
		ARCH=$${GOARCH:-$$($(GO) env GOARCH)} VERSION='$(PACKAGE_VERSION)' SOURCE_DATE_EPOCH=$(EPOCH) \
		env -u GOARCH $(GO) tool nfpm package -f ../packaging/nfpm.yaml -p $$packager -t ../bin/packages/) || exit 1; done

# The packages in a Debian made for it, with systemd as its process 1: as root.
PACKAGES_TEST := debootstrap
packages-test: packages
	@$(call install,$(PACKAGES_TEST))
	packaging/test/reproducible
	packaging/test/run bin/packages/vrrpx_*.deb bin/packages/vrrpx-*.rpm

# Manual pages and completions, from what `vrrpx --help` and the tables of the language say.
manual:
	cd tools && $(GO) run ./manual

run: build
	bin/vrrpx demo

# What shares the machine's two cores with a test shakes its timing, so one
# package is tested at a time, those that run whole daemons last. A virtual machine
# that is held for 30 ms fails a test of 10 ms adverts all the same: what failed is
# run again by itself, at most twice, and named at the end with how often it failed.
# RERUNS=0 takes the first answer.
RERUNS ?= 2
TESTED := $(or $(TMPDIR),/tmp)/vrrpx-reruns
gotest  = rm -f $(TESTED); $(GO) tool -modfile=$(CURDIR)/tools/go.mod gotestsum --format pkgname --no-color \
		--rerun-fails=$(RERUNS) --rerun-fails-max-failures=10 --rerun-fails-report=$(TESTED) --packages="$(1)" -- -count=1 -p 1 -timeout $(2); \
		ended=$$?; [ ! -s $(TESTED) ] || { echo 'failed, and was run again:'; cat $(TESTED); }; exit $$ended

test: deps build
	@$(call gotest,$$($(GO) list ./... | grep -v -e /internal/e2e -e /internal/interop | xargs),10m)
	@cd tools && $(call gotest,./...,10m)
	@$(call gotest,./internal/e2e ./internal/interop,32m)

deps:
	@$(call install,$(TEST_PACKAGES))

# The objects are committed; with Debian's clang they come out the same to the byte.
generate:
	@$(call install,$(BPF_PACKAGES))
	$(GO) generate ./loader

# A policy keeps the packages' daemons, which are for tests alone, from being started.
install = missing=; for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing$$missing"; \
		policy=/usr/sbin/policy-rc.d; \
		[ -e $$policy ] || { trap "rm -f $$policy" EXIT INT TERM; printf '\#!/bin/sh\nexit 101\n' >$$policy && chmod +x $$policy; }; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; fi

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	cd tools && $(GO) vet ./... && $(GO) tool staticcheck ./...

# FUZZTIME each; findings land in testdata/fuzz and are committed.
FUZZTIME ?= 60s
fuzz:
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "== $$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

# The simulator on SEEDS LANs, from seed FIRST on.
SEEDS ?= 100000
FIRST ?= 0
sim:
	$(GO) test ./vrrp/sim -run 'Invariants|LeasesHold' -count 1 -timeout 0 -v -seeds $(SEEDS) -first $(FIRST)

# The model of docs/liveness.md: more hosts that stop at once than `make test` has time for.
# With -v the shortest way to each mistake is printed.
model:
	$(GO) test ./vrrp/model -count 1 -timeout 0 -v -deep

# vrrpx and keepalived measured side by side: docs/bench.md. QUICK=1: under 10
# minutes. SCENARIO=name,name: only these. OUT=dir: for the results. SOAK=24h.
OUT ?= docs/bench
bench: build
	@$(call install,$(BENCH_PACKAGES))
	cd tools && $(GO) build -o ../bin/bench ./bench
	bin/bench -vrrpx bin/vrrpx -out '$(OUT)' $(if $(QUICK),-quick) $(if $(SCENARIO),-scenario '$(SCENARIO)') $(if $(SOAK),-soak $(SOAK))

clean:
	rm -rf bin
