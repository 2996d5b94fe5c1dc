package loader

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestTagIsThatOfTheCommittedObject(t *testing.T) {
	object, err := os.ReadFile("vrrpx_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(object)); len(Tag()) != 12 || !strings.HasPrefix(sum, Tag()) {
		t.Errorf("tag %s, the object has %s", Tag(), sum)
	}
}
