package prometheus

import "testing"

// TestSame: one value in two spellings is one, and two numbers are two.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		declared, is string
		want         bool
	}{
		{"8", "8", true},
		{"8", "50", false},
		{"60s", "1m", true},
		{"60s", "2m", false},
		{"1d", "24h", true},
		{"15d", "", true},
		{"819MiB", "819MiB", true},
		{"1GiB", "1024MiB", true},
		{"1GiB", "1023MiB", false},
		{"80GB", "80GiB", true},
		{"3.5.0", "3.4.0", false},
		{"off", "75", false},
		{"true", "false", false},
	} {
		if got := same(c.declared, c.is); got != c.want {
			t.Errorf("%s, %s: %v", c.declared, c.is, got)
		}
	}
}
