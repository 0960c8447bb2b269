package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// queueForge answers what a pull request is, in turn, and refuses to put it
// into a queue, if told so.
func queueForge(t *testing.T, refusal string, pulls ...string) (*fake, *int) {
	f, sent, n := newFake(t), new(int), 0
	f.graphql(func(w http.ResponseWriter, q asked) {
		if strings.HasPrefix(q.Query, "mutation") {
			*sent++
			if strings.Contains(q.Query, "rateLimit") || strings.Contains(q.Query, "jump") {
				t.Errorf("asked %s", q.Query)
			}
			if refusal != "" {
				fmt.Fprintf(w, `{"data":{"enqueuePullRequest":null},"errors":[{"type":%q,"path":["enqueuePullRequest"],"message":"no"}]}`, refusal)
				return
			}
			if q.Variables["v0"] != "PR_7" || q.Variables["v1"] != "abc" {
				t.Errorf("asked with %v", q.Variables)
			}
			fmt.Fprint(w, `{"data":{"enqueuePullRequest":{"mergeQueueEntry":{"id":"MQE_1"}}}}`)
			return
		}
		text := pulls[min(n, len(pulls)-1)]
		n++
		fmt.Fprintf(w, `{"data":{"repo":{"pullRequest":%s}}}`, text)
	})
	return f, sent
}

func TestEnqueue(t *testing.T) {
	const (
		open   = `{"id":"PR_7","state":"OPEN","headRefOid":"abc","mergeQueueEntry":null}`
		queued = `{"id":"PR_7","state":"OPEN","headRefOid":"abc","mergeQueueEntry":{"id":"MQE_1"}}`
		other  = `{"id":"PR_7","state":"OPEN","headRefOid":"def","mergeQueueEntry":null}`
		merged = `{"id":"PR_7","state":"MERGED","headRefOid":"abc","mergeQueueEntry":null}`
		closed = `{"id":"PR_7","state":"CLOSED","headRefOid":"abc","mergeQueueEntry":null}`
	)
	for name, c := range map[string]struct {
		refusal string
		pulls   []string
		sent    int
		class   fleet.Class // empty: it went well
	}{
		"added":                {"", []string{open}, 1, ""},
		"there already":        {"", []string{queued}, 0, ""},
		"merged already":       {"", []string{merged}, 0, ""},
		"at another head":      {"", []string{other}, 0, fleet.Moved},
		"closed":               {"", []string{closed}, 0, fleet.Moved},
		"another was quicker":  {"UNPROCESSABLE", []string{open, queued}, 1, ""},
		"pushed in between":    {"UNPROCESSABLE", []string{open, other}, 1, fleet.Moved},
		"not ready":            {"UNPROCESSABLE", []string{open}, 1, fleet.Permanent},
		"not allowed":          {"FORBIDDEN", []string{open}, 1, fleet.Permanent},
		"the forge stumbled":   {"INTERNAL", []string{open}, 1, fleet.Transient},
		"no such pull request": {"", []string{"null"}, 0, fleet.Permanent},
	} {
		f, sent := queueForge(t, c.refusal, c.pulls...)
		err := f.client(t).EnqueuePull(t.Context(), "acme/ledger", 7, "abc")
		if c.class == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.class != "" {
			wantFailure(t, err, c.class)
		}
		if *sent != c.sent {
			t.Errorf("%s: sent %d times", name, *sent)
		}
	}
}

// The forge has its words in lower case in one place and in upper case in
// another, and takes things out by itself under the name of a person's deed.
func TestWhyAQueueLostIt(t *testing.T) {
	person, bot := `{"__typename":"User","login":"ada"}`, `{"__typename":"Bot","login":"github-merge-queue"}`
	for _, c := range []struct {
		word, by string
		want     fleet.DequeueReason
	}{
		{"manual", person, fleet.DequeuedByHand},
		{"MANUAL", `{"__typename":"Bot","login":"reeve"}`, fleet.DequeuedByHand},
		{"manual", bot, fleet.DequeuedOther},
		{"failed_checks", bot, fleet.DequeuedChecks},
		{"CI_TIMEOUT", bot, fleet.DequeuedChecks},
		{"merge_conflict", bot, fleet.DequeuedConflict},
		{"merged", "null", fleet.DequeuedMerged},
		{"invented_in_2027", bot, fleet.DequeuedOther},
	} {
		var a readyAnswer
		must := json.Unmarshal(fmt.Appendf(nil, `{"timelineItems":{"nodes":[{"__typename":"RemovedFromMergeQueueEvent","actor":%s,"reason":%q}]}}`, c.by, c.word), &a)
		got := a.readiness(fleet.Actor{Login: "reeve", Bot: true, Self: true}).Dequeued
		if must != nil || got == nil || got.Reason != c.want || got.Said != strings.ToLower(c.word) {
			t.Errorf("%s by %s: %+v, %v", c.word, c.by, got, must)
		}
	}
	var a readyAnswer
	if err := json.Unmarshal([]byte(`{"timelineItems":{"nodes":[{"__typename":"HeadRefForcePushedEvent"}]}}`), &a); err != nil || a.readiness(fleet.Actor{}).Dequeued != nil {
		t.Error("it is at another head since", err)
	}
}

func TestReadinessOfManyConversations(t *testing.T) {
	var a readyAnswer
	err := json.Unmarshal([]byte(`{"reviewThreads":{"nodes":[{"isResolved":true}],"pageInfo":{"hasNextPage":true}},"commits":{"nodes":[{"commit":{"deployments":{"nodes":[
{"environment":"b","latestStatus":null},{"environment":"a","latestStatus":{"state":"SUCCESS"}},{"environment":"b","latestStatus":{"state":"SUCCESS"}}]}}}]}}`), &a)
	got := a.readiness(fleet.Actor{})
	if err != nil || got.Unresolved != 1 || fmt.Sprint(got.Deployed) != "[a]" {
		t.Errorf("%+v, %v", got, err)
	}
}
