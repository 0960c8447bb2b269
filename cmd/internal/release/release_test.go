package release

import (
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	vcs := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: commit}}
	const pseudo = "v0.3.1-0.20260102030405-0123456789ab"
	cases := []struct {
		described string
		main      string
		settings  []debug.BuildSetting
		version   string
		ref       string
	}{
		{"", "v0.3.0", nil, "v0.3.0", "v0.3.0"},
		{"", "v0.3.0-rc.1", vcs, "v0.3.0-rc.1", "v0.3.0-rc.1"},
		{"", pseudo + "+dirty", vcs, pseudo, commit},
		{"", pseudo, nil, pseudo, "0123456789ab"},
		{"", "(devel)", vcs, "", commit},
		{"", "", nil, "", ""},
		{"v0.3.0", "", nil, "v0.3.0", "v0.3.0"},
		{"v0.3.0-5-g0123456", pseudo, vcs, pseudo, commit},
		{"0123456-dirty", "", nil, "", ""},
	}
	for _, c := range cases {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.main}, Settings: c.settings}
		if v, r := version(info, c.described), ref(info, c.described); v != c.version || r != c.ref {
			t.Errorf("%q, %q: version %q, ref %q", c.described, c.main, v, r)
		}
	}
}
