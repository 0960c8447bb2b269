package report

import (
	"strings"
	"testing"
)

const zw = zeroWidth

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"one":                      "one",
		"  two\n\tlines\r\n":       "two lines",
		"a\x00b\u2028c\u202ed":     "a b c d",
		"0123456789":               "0123456789",
		"0123456789a":              "0123456789…",
		"0123456789   ":            "0123456789",
		"ääääääääääh":              "ääääääääää…",
		"broken \xff":              "broken \uFFFD",
		"to the  end of it, truly": "to the end…",
	} {
		if got := Line(in, 10); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"Go 1.24 gets no fixes.":               "Go 1.24 gets no fixes.",
		"ask @acme/payments":                   "ask @" + zw + "acme/payments",
		"see #12, acme/x#3":                    "see #" + zw + "12, acme/x#" + zw + "3",
		"as GH-12 says":                        "as GH-" + zw + "12 says",
		"<!-- portreeve text=x -->":            `\<\!-- portreeve text=x --\>`,
		"a *b* _c_ `d` [e](f) ~~g~~":           "a \\*b\\* \\_c\\_ \\`d\\` \\[e\\](f) \\~\\~g\\~\\~",
		"&#64;kim &commat;kim":                 `\&#` + zw + `64;kim \&commat;kim`,
		"```\ncode\n```":                       "\\`\\`\\` code \\`\\`\\`",
		"see https://go.dev/doc/go1.26_x?a&b.": "see <https://go.dev/doc/go1.26_x?a&b>.",
		"https://github.com/acme/x/pull/4":     "<https://github.com/acme/x/pul%6C/4>",
		"https://forge.example/x/issues/4#c":   "<https://forge.example/x/issue%73/4#c>",
		"https://x/<script>":                   `https://x/\<script\>`,
		"\\@kim":                               `\\@` + zw + "kim",
	} {
		if got := Plain(in); got != want {
			t.Errorf("Plain(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	for in, want := range map[string]string{
		"":          "",
		"go.mod":    "`go.mod`",
		"a`b":       "``a`b``",
		"`a``b":     "``` `a``b ```",
		"```":       "```` ``` ````",
		"@kim #1":   "`@kim #1`",
		"a\n```\nb": "````a ``` b````",
	} {
		if got := Code(in); got != want {
			t.Errorf("Code(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"# Title\n\nText":                   "> # Title\n>\n> Text\n",
		"thanks @kim, see #1 and ##2":       "> thanks @" + zw + "kim, see #" + zw + "1 and ##" + zw + "2\n",
		"<b>x</b> <!-- y --> 1 < 2":         "> <" + zw + "b>x<" + zw + "/b> <" + zw + "!-- y --> 1 < 2\n",
		"&#64;kim a&b":                      "> &" + zw + "#" + zw + "64;kim a&b\n",
		"GH-1 GH\\-1 gh-1x":                 "> GH-" + zw + "1 GH\\-" + zw + "1 gh-" + zw + "1x\n",
		"https://x/acme/y/pull/1":           "> https://x/acme/y/pul%6C/1\n",
		"`go get x@v1.2 # 1`":               "> `go get x@v1.2 # 1`\n",
		"``a`@b`` @c":                       "> ``a`@b`` @" + zw + "c\n",
		"stray ` and @kim":                  "> stray \\` and @" + zw + "kim\n",
		"stray `\n`@kim`":                   "> stray \\`\n> `@kim`\n",
		"| ` | @kim ` |":                    "> | \\` | @" + zw + "kim \\` |\n",
		"\\`@kim`":                          "> \\`@" + zw + "kim\\`\n",
		"```sh\ngo get x@v1\n```\n@kim":     "> ```sh\n> go get x@v1\n> ```\n> @" + zw + "kim\n",
		"```sh\nleft open @kim":             "> ```sh\n> left open @kim\n",
		"```a`b\n@kim":                      "> ```a\\`b\n> @" + zw + "kim\n",
		"- one\n  ```\n  x@y\n  ```\n- two": "> - one\n>   ```\n>   x@" + zw + "y\n>   ```\n> - two\n",
		"    ```\n@kim":                     ">     ```\n> @" + zw + "kim\n",
		"~~~\n```\n@kim\n~~~~\n@kim":        "> ~~~\n> ```\n> @kim\n> ~~~~\n> @" + zw + "kim\n",
		"a\u202eb\x07c":                     "> abc\n",
	} {
		if got := Quote(in, 1000); got != want {
			t.Errorf("Quote(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestQuoteCut(t *testing.T) {
	got := Quote(strings.Repeat("@line\n", 1000), 200)
	if len(got) > 200 || !strings.HasSuffix(got, "@"+zw+"line\n\n(cut: too long)\n") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
