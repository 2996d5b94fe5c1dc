package loader

// The objects are committed, and CI regenerates them and compares: they are
// the same byte for byte from the same clang, so one version is named. Only
// little-endian machines are served. v3 is what 5.10 understands.
//go:generate go tool bpf2go -cc clang-14 -target bpfel -type drop -type auth -type event_kind -type gate -type deadline_op -type deadline_request vrrpx ../bpf/vrrpx.c -- -mcpu=v3 -Wall -Werror -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include/aarch64-linux-gnu
