package markdown

import (
	"html/template"
	"regexp"
	"strings"
	"testing"
)

func TestHTML(t *testing.T) {
	for text, want := range map[string]string{
		"Why: *Go* is `old`.":                  "<p>Why: <em>Go</em> is <code>old</code>.</p>\n",
		"# A <b>":                              "<h3>A &lt;b&gt;</h3>\n",
		"- a\n- [x] b\n":                       "<ul><li>a</li><li>☑ b</li></ul>\n",
		"1. a\n2. b":                           "<ol><li>a</li><li>b</li></ol>\n",
		"```diff\n+a\n-b\n<i>\n```\nc":         "<pre class=\"code\"><code class=\"diff\"><span class=\"add\">+a</span>\n<span class=\"del\">-b</span>\n&lt;i&gt;\n</code></pre>\n<p>c</p>\n",
		"| a | b |\n|---|---|\n| 1 | 2 |":      "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>\n",
		"a <!-- hidden\nmarker --> b":          "<p>a  b</p>\n",
		"> q":                                  "<blockquote><p>q</p>\n</blockquote>\n",
		"<details><summary>S</summary>\n\nx\n": "<details><summary>S</summary>\n<p>x</p>\n</details>",
		"[x](javascript:alert(1))":             "<p>x)</p>\n",
		"[x](https://a.example/?q=\"><)":       "<p><a rel=\"nofollow noreferrer noopener\" href=\"https://a.example/?q=&#34;&gt;&lt;\">x</a></p>\n",
		"\\*not\\* *":                          "<p>*not* *</p>\n",
		"see https://a.example/b.":             "<p>see <a rel=\"nofollow noreferrer noopener\" href=\"https://a.example/b\">https://a.example/b</a>.</p>\n",
	} {
		if got := HTML(text); got != template.HTML(want) {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}

var (
	tag     = regexp.MustCompile(`<[^>]*>`)
	allowed = regexp.MustCompile(`^</?(p|br|em|strong|del|code|pre|span|h[1-6]|hr|ul|ol|li|table|thead|tbody|tr|th|td|blockquote|details|summary|a)( (class="(code|diff|add|del)"|rel="nofollow noreferrer noopener" href="https?://[^"<>]*"))*>$`)
)

func FuzzHTML(f *testing.F) {
	for _, s := range []string{"<script>x</script>", "[a](http://b)*c*", "```\nx", "a|b\n-|-\n", "> > > > > > > x", "**a*b`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := string(HTML(text))
		for _, m := range tag.FindAllString(out, -1) {
			if !allowed.MatchString(m) {
				t.Fatalf("%q lets %q through", text, m)
			}
		}
		if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
			t.Fatalf("%q: details are not closed", text)
		}
	})
}
