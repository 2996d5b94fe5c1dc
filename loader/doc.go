// Package loader is the Go side of bpf/: it loads the kernel programs, puts
// them on interfaces, writes the rules by which they judge, and turns what
// they send up into typed events. No other package imports cilium/ebpf.
package loader
