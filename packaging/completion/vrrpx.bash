# bash completion for vrrpx(8). Made by tools/manual (make manual): do not edit.

_vrrpx() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	# --option=value comes as three words; an argument that may be left out comes in no other way.
	if [[ $cur == = ]]; then
		cur='' prev=$prev=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}=
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'help run check status explain events reload doctor record watch speakers counters cleanup keepalived demo version --help --version' -- "$cur")
		return
	fi
	local files='' words=''
	case "${COMP_WORDS[1]} $prev" in
	'run -f' | 'run --file' | 'run --file=') files=yes ;;
	'run --config-id' | 'run --config-id=') : ;;
	'run -i' | 'run --interface' | 'run --interface=') words=$(cd /sys/class/net && echo *) ;;
	'run --vrid' | 'run --vrid=') : ;;
	'run --priority' | 'run --priority=') : ;;
	'run --vip' | 'run --vip=') : ;;
	'run --advert-int' | 'run --advert-int=') : ;;
	'run --vrrp-version' | 'run --vrrp-version=') : ;;
	'run --xdp' | 'run --xdp=') words='auto native generic off' ;;
	'run --log-level' | 'run --log-level=') words='debug info warn error' ;;
	'run --log' | 'run --log=') : ;;
	'run --metrics' | 'run --metrics=') : ;;
	'run --pid-file' | 'run --pid-file=') files=yes ;;
	'check -f' | 'check --file' | 'check --file=') files=yes ;;
	'check --config-id' | 'check --config-id=') : ;;
	'check --peer' | 'check --peer=') files=yes ;;
	'check --peer-id' | 'check --peer-id=') : ;;
	'check --host' | 'check --host=') words='auto on off' ;;
	'explain --at' | 'explain --at=') : ;;
	'events --since' | 'events --since=') : ;;
	'doctor -f' | 'doctor --file' | 'doctor --file=') files=yes ;;
	'doctor --config-id' | 'doctor --config-id=') : ;;
	'doctor --listen' | 'doctor --listen=') : ;;
	'record --since' | 'record --since=') : ;;
	'record -r' | 'record --router' | 'record --router=') : ;;
	'record -o' | 'record --output' | 'record --output=') files=yes ;;
	'watch -n' | 'watch --interval' | 'watch --interval=') : ;;
	'keepalived -f' | 'keepalived --use-file' | 'keepalived --use-file=') files=yes ;;
	'keepalived -S' | 'keepalived --log-facility' | 'keepalived --log-facility=') : ;;
	'keepalived --log-file=') files=yes ;;
	'keepalived -u' | 'keepalived --umask' | 'keepalived --umask=') : ;;
	'keepalived -p' | 'keepalived --pid' | 'keepalived --pid=') files=yes ;;
	'keepalived -r' | 'keepalived --vrrp_pid' | 'keepalived --vrrp_pid=') files=yes ;;
	'keepalived -s' | 'keepalived --namespace' | 'keepalived --namespace=') : ;;
	'keepalived --core-dump-pattern=') : ;;
	'keepalived -i' | 'keepalived --config-id' | 'keepalived --config-id=') : ;;
	'keepalived --signum' | 'keepalived --signum=') : ;;
	'keepalived --config-test=') files=yes ;;
	'keepalived -c' | 'keepalived --checkers_pid' | 'keepalived --checkers_pid=') files=yes ;;
	'keepalived -b' | 'keepalived --bfd_pid' | 'keepalived --bfd_pid=') files=yes ;;
	'keepalived -A' | 'keepalived --snmp-agent-socket' | 'keepalived --snmp-agent-socket=') : ;;
	'keepalived --config-fd' | 'keepalived --config-fd=') : ;;
	'keepalived --perf=') : ;;
	'keepalived --debug=') : ;;
	*)
		case ${COMP_WORDS[1]} in
		run) words='--file --config-id --interface --vrid --priority --vip --advert-int --vrrp-version --preempt --xdp --log-level --log --metrics --pid-file --help' ;;
		check) words='--file --config-id --peer --peer-id --host --help' ;;
		status) words='--json --help' ;;
		explain) words='--at --help' ;;
		events) words='--json --follow --since --help' ;;
		reload) words='--help' ;;
		doctor) words='--file --config-id --json --listen --help' ;;
		record) words='--since --router --output --help' ;;
		watch) words='--interval --help' ;;
		speakers) words='--json --help' ;;
		counters) words='--help' ;;
		cleanup) words='--help' ;;
		keepalived) words='--use-file --vrrp --check --log-console --log-detail --log-facility --log-file --no-syslog --umask --dont-release-vrrp --dont-fork --dump-conf --pid --vrrp_pid --namespace --core-dump --core-dump-pattern --config-id --signum --config-test --version --help --no_bfd --all --release-vips --dont-release-ipvs --dont-respawn --checkers_pid --bfd_pid --address-monitoring --snmp --snmp-agent-socket --flush-log-file --no-mem-check --mem-check-log --genhash --all-config --config-fd --perf --debug' ;;
		demo) words='--help' ;;
		version) words='--help' ;;
		esac
		;;
	esac
	if [[ $files ]]; then
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	fi
}
complete -F _vrrpx vrrpx
