package stats

import (
	"encoding/json"
	"testing"
	"time"
)

func TestSecondsKeepNanosecondsThroughJSON(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 78125, 36093750, time.Second, 122850 * time.Millisecond, -3 * time.Millisecond} {
		b, err := json.Marshal(Seconds(d))
		if err != nil {
			t.Fatal(err)
		}
		var got Seconds
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if time.Duration(got) != d {
			t.Errorf("%v became %s and then %v", d, b, time.Duration(got))
		}
	}
	if b, _ := json.Marshal(Seconds(36093750)); string(b) != "0.03609375" {
		t.Errorf("36.09375 ms is written %s, want decimal seconds", b)
	}
}

func TestSecondsRefuseWhatIsNoNumber(t *testing.T) {
	var s Seconds
	for _, bad := range []string{`"soon"`, "1e300", "-1e300", "9223372037"} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s was taken as seconds: %v", bad, s)
		}
	}
}
