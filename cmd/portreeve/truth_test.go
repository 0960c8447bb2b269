package main

import (
	"os"
	"strings"
	"testing"
)

// truth is the table of the situations that a branch and its pull request can
// be in: the case that proves what is done, and a part of what it expects.
// Cases stand in reconciler/rollout/testdata and reconciler/plan/testdata,
// where one item or one world is decided on, and in testdata/script, where the
// whole program acts on a forge.
//
// Three rules stand behind it. Commits by people are never lost: ours is made
// anew beneath them, and where that can't be, nothing is written and it is
// said. A person's close is a no until the declaration asks again; a bot's is
// asked again once. What is behind its base is made anew only when that is
// needed for its merge.
var truth = []struct{ situation, file, expects string }{
	{"no branch", "rollout/pull_none", "opens a pull request"},
	{"a branch of ours without a pull request", "rollout/branch_pushed", "opens a pull request for the branch that is there"},
	{"the same, on an old base", "rollout/branch_pushed_old_base", "opens a pull request"},
	{"a branch by a person without a pull request", "rollout/branch_person", "blocked"},
	{"a branch of ours, amended, without a pull request", "rollout/branch_amended", "blocked"},
	{"a branch that is not wanted any more", "rollout/branch_unwanted", "delete-branch"},
	{"the same, with commits by people", "rollout/branch_unwanted_person", "done"},
	{"ours, as wanted", "rollout/pull_open_manual", "review"},
	{"ours, and the declaration changed", "rollout/pull_declaration_changed", "update"},

	{"edited by a person", "rollout/pull_person", "it is theirs to merge"},
	{"edited by a person, and the declaration changed", "rollout/pull_person_declaration_changed", "keep [h2]"},
	{"the same, and both can't be had", "rollout/pull_person_declaration_changed_stops", "blocked"},
	{"edited by a person, and conflicting", "rollout/pull_person_conflict_kept", "keep [h2 h3]"},
	{"the same, and theirs conflicts too", "rollout/pull_person_conflict_stops", "blocked"},
	{"edited by a person, from end to end", "script/person_commits", "by kim, committed by Portreeve"},
	{"the same, and both can't be had", "script/person_conflict", "stands against it"},
	{"brought up to date by a person", "rollout/pull_person_updated", "merges the base since"},
	{"merged by a person with another branch", "rollout/pull_person_merged_other", "blocked"},
	{"amended", "rollout/pull_amended", "it is theirs to merge"},
	{"amended, and the declaration changed", "rollout/pull_amended_declaration_changed", "was t1 on b1"},
	{"amended, and what it was is gone", "rollout/pull_amended_gone", "blocked"},
	{"amended, from end to end", "script/person_amends", "by kim, committed by Portreeve"},
	{"put on another base by a person", "rollout/pull_amended_rebased", "update"},
	{"force-pushed, without a commit of ours", "rollout/pull_person_conflict_squashed", "none of its commits is Portreeve's"},
	{"pushed to while it was read", "rollout/pull_pushed_while_read", "waiting"},

	{"behind its base", "rollout/pull_base_moved", "review"},
	{"behind its base, and the rules want it up to date", "rollout/merge_up_to_date", "update"},
	{"conflicting", "rollout/pull_conflict", "update"},
	{"conflicting, says a forge that is behind", "rollout/pull_conflict_stale", "waiting"},

	{"closed by a person", "rollout/pull_declined", "declined"},
	{"closed by a person, and the declaration changed", "rollout/pull_declined_declaration_changed", "declined"},
	{"closed by a person, and the declaration asks again", "rollout/pull_declined_asks_again", "opens a pull request"},
	{"the same, later", "rollout/pull_declined_asks_later", "declined"},
	{"closed by a person after the declaration asked again", "rollout/pull_declined_asked_before", "declined"},
	{"asked again, from end to end", "script/pull_asks_again", "asked for the same and was closed"},
	{"closed by somebody who is gone", "rollout/pull_declined_ghost", "declined"},
	{"closed by us", "rollout/pull_closed_us", "opens a pull request"},
	{"closed by hand by whom we act as", "rollout/pull_declined_by_hand", "declined"},
	{"closed by a bot", "rollout/pull_closed_bot", "waiting"},
	{"closed by a bot a day ago", "rollout/pull_closed_bot_day", "opens a pull request"},
	{"closed by bots twice", "rollout/pull_closed_bot_twice", "blocked"},
	{"reopened", "rollout/pull_reopened", "review"},

	{"merged", "rollout/pull_merged", "done"},
	{"merged by a merge commit, a squash, a rebase", "script/pull_merged_by_people", "3 done"},
	{"merged, and the branch is left", "rollout/pull_merged_branch", "delete-branch"},
	{"merged, and the branch has more", "rollout/pull_merged_branch_more", "done"},
	{"merged, and the base does not show it yet", "rollout/pull_merged_unseen", "waiting"},
	{"merged, and wanted again", "rollout/pull_merged_again", "opens a pull request"},
	{"the branch deleted while it was open", "script/branch_deleted", "1 declined"},

	{"the base renamed", "script/base_renamed", "into trunk"},
	{"another default branch", "script/default_branch_changed", "not into next"},
	{"retargeted", "rollout/pull_retargeted", "blocked"},
	{"converted to a draft", "rollout/merge_draft", "take it out of draft"},
	{"the same, from end to end", "script/pull_draft", "is a draft"},
	{"a label removed", "script/label_removed", "new polite"},

	{"the repo renamed", "script/repo_renamed", "renamed to acme/books"},
	{"the repo transferred", "script/repo_transferred", "renamed to harbour/ledger"},
	{"the repo archived", "rollout/repo_archived_open", "out"},
	{"the same, from end to end", "script/repo_archived_meanwhile", "archived"},
	{"the repo disabled", "rollout/repo_disabled", "disabled"},
	{"the repo deleted", "script/repo_deleted", "1 review"},
	{"the repo private", "script/repo_private", "1 review"},
	{"the repo unreadable", "plan/repo_unreadable", "waiting"},
	{"the repo empty", "plan/repo_empty", "empty"},
	{"the repo made from a template", "script/repo_from_template", "open +acme/copy"},

	{"a person closes it between a plan and its steps", "meanwhile_test.go", "func TestClosedMeanwhile("},
	{"two daemons at once", "script/two_daemons", "open what one would open"},
	{"the same, and a person commits", "daemons_test.go", "func TestTwoDaemonsAtOnce("},
}

// TestTruthTable holds the table to the cases: each is there, and expects what
// the table says.
func TestTruthTable(t *testing.T) {
	places := map[string]string{"rollout": "../../reconciler/rollout/testdata/", "plan": "../../reconciler/plan/testdata/", "script": "testdata/script/"}
	for _, row := range truth {
		file := row.file
		if room, name, ok := strings.Cut(row.file, "/"); ok {
			file = places[room] + name + ".txtar"
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s: %v", row.situation, err)
			continue
		}
		text := string(b)
		for _, expected := range []string{"\n-- decided --\n", "\n-- plan --\n"} {
			if _, after, ok := strings.Cut(text, expected); ok {
				text = after
			}
		}
		if !strings.Contains(text, row.expects) {
			t.Errorf("%s: %s does not expect %q", row.situation, file, row.expects)
		}
	}
}
