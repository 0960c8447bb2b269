package report

import (
	"reflect"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

func loanAccess() LoanAccess {
	return LoanAccess{Loan: fleet.ID{Kind: "loan", Name: "maria"}, Engineer: "maria-s", Repos: map[fleet.RepoName]Given{
		"acme/a--b": {Before: "read", State: GivenDone}, "acme/z": {State: GivenPlanned},
	}}
}

// TestLoanAccess holds that what is written down is read back, and no more.
func TestLoanAccess(t *testing.T) {
	l := loanAccess()
	text := l.Text()
	for _, body := range []string{text, strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"} {
		if got, ok := ParseLoanAccess(body); !ok || !reflect.DeepEqual(got, l) {
			t.Errorf("%+v, %v", got, ok)
		}
	}
	if !strings.Contains(text, "- `acme/a--b`: given (before: read)\n- `acme/z`: planned (before: none)\n") {
		t.Error(text)
	}
	for _, body := range []string{"", text + "\nmore", strings.Replace(text, "given\"", "gone\"", 1), strings.Replace(text, `"read"`, `"admin"`, 1), LoanMarker(l.Loan, &fleet.Loan{})} {
		if got, ok := ParseLoanAccess(body); ok {
			t.Errorf("%q is read as %+v", body, got)
		}
	}
}

// FuzzParseLoanAccess: what is read of any text is written and read the same.
func FuzzParseLoanAccess(f *testing.F) {
	f.Add(loanAccess().Text())
	f.Add(accessPrefix + `{"loan":"loan/x","engineer":"-->","repos":{"<!--":{"state":"given"}}} -->`)
	f.Fuzz(func(t *testing.T, body string) {
		l, ok := ParseLoanAccess(body)
		if !ok {
			return
		}
		again, ok := ParseLoanAccess(l.Text())
		if !ok || again.Loan != l.Loan || again.Engineer != l.Engineer || len(again.Repos) != len(l.Repos) {
			t.Errorf("%+v, then %+v", l, again)
		}
	})
}
