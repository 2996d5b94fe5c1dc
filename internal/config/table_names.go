package config

import "strings"

// The blocks that are ignored or refused as a whole, by their keywords alone:
// a name that is in none of them is a mistake worth reporting.

var garpGroupTable = names("garp_group", strings.Fields(`garp_interval gna_interval interface`),
	map[string]string{"interfaces": freeLines})

var bfdTable = names("bfd_instance", strings.Fields(`
	source_ip neighbor_ip neighbour_ip min_rx min_tx idle_tx multiplier passive ttl hoplimit
	max_hops multihop weight vrrp checker`), nil)

var sslTable = names("SSL", strings.Fields(`password ca certificate key`), nil)

// lvsTable has the keywords of virtual_server and of all blocks in it.
var lvsTable = names("virtual_server", strings.Fields(`
	ip_family retry delay_before_retry warmup connect_timeout delay_loop inhibit_on_failure
	lb_algo lvs_sched hashed ops flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback
	lb_kind lvs_method persistence_engine persistence_timeout persistence_granularity protocol
	ha_suspend smtp_alert virtualhost snmp_name alpha omega quorum_up quorum_down quorum
	hysteresis weight sorry_server sorry_server_inhibit sorry_server_lvs_method

	real_server uthreshold lthreshold notify_up notify_down

	connect_ip connect_port bindto bind_port bind_if fwmark log_all_failures
	TCP_CHECK PING_CHECK
	HTTP_GET SSL_GET nb_get_retry http_protocol enable_sni sni_name fast_recovery tls_compliant
	url path digest status_code regex regex_no_match regex_options regex_min_offset
	regex_max_offset regex_stack
	SMTP_CHECK helo_name host
	DNS_CHECK type name
	BFD_CHECK
	MISC_CHECK misc_path misc_timeout misc_dynamic user
	UDP_CHECK payload require_reply min_reply_length max_reply_length
	FILE_CHECK track_file`), nil)
