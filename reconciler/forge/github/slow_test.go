package github

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// hangs is a forge that never answers.
type hangs struct{}

func (hangs) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// A forge that hangs for the first queries is not waited for by all the others:
// thousands of repos are given up in minutes, and each says why.
func TestAForgeThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{
			BaseURL: "http://127.0.0.1:1/", HTTP: hangs{},
			Token: func(context.Context) (string, error) { return plantedToken, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		names := repoNames(3000)
		for name, a := range c.Heads(t.Context(), names) {
			if failure := wantFailure(t, a.Err, fleet.Transient); !strings.Contains(failure.Error(), "no whole answer within 1m0s") {
				t.Fatalf("%s: %v", name, failure)
			}
		}
		if took := time.Since(began); took > 10*time.Minute {
			t.Errorf("%d repos were given up after %v", len(names), took)
		}
	})
}
