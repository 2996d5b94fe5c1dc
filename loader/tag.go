package loader

import (
	"crypto/sha256"
	"encoding/hex"
)

// Tag names the kernel programs of this build: the first twelve digits of the
// SHA-256 of the object that holds them, loader/vrrpx_bpfel.o.
func Tag() string {
	sum := sha256.Sum256(_VrrpxBytes)
	return hex.EncodeToString(sum[:6])
}
