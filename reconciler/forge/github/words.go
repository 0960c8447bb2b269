package github

import (
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// actor is who did something, as GraphQL says it; nil is an account that is
// gone, which GitHub shows as "ghost".
type actor struct {
	Type  string `json:"__typename"`
	Login string `json:"login"`
}

// viewer is the identity that GraphQL calls the viewer; of an App it says
// "name[bot]", where an actor is "name" and a Bot.
func viewer(login string) fleet.Actor {
	bare, bot := strings.CutSuffix(login, "[bot]")
	return fleet.Actor{Login: bare, Bot: bot, Self: true}
}

// actor maps an actor. A bot's login is without "[bot]"; a person may have
// the login of an App, so that both have to agree to be oneself.
func (a *actor) actor(self fleet.Actor) fleet.Actor {
	if a == nil || a.Login == "" {
		return fleet.Actor{Login: "ghost"}
	}
	login, bot := strings.CutSuffix(a.Login, "[bot]")
	bot = bot || a.Type == "Bot"
	return fleet.Actor{
		Login: login,
		Bot:   bot,
		Self:  self.Login != "" && strings.EqualFold(login, self.Login) && bot == self.Bot,
	}
}

func mergeable(word string) fleet.Mergeable {
	switch word {
	case "MERGEABLE":
		return fleet.MergeableYes
	case "CONFLICTING":
		return fleet.MergeableConflict
	}
	return fleet.MergeableUnknown
}

func review(word string) fleet.Review {
	switch word {
	case "":
		return fleet.ReviewNone
	case "APPROVED":
		return fleet.ReviewApproved
	case "CHANGES_REQUESTED":
		return fleet.ReviewChangesRequested
	}
	return fleet.ReviewRequired
}

func statusState(word string) fleet.StatusState {
	switch word {
	case "SUCCESS":
		return fleet.StatusSuccess
	case "FAILURE":
		return fleet.StatusFailure
	case "ERROR":
		return fleet.StatusError
	}
	return fleet.StatusPending
}

// checkOfStatus is a commit status as a check.
func checkOfStatus(word string) fleet.CheckState {
	switch word {
	case "SUCCESS":
		return fleet.CheckSuccess
	case "FAILURE", "ERROR":
		return fleet.CheckFailure
	}
	return fleet.CheckPending
}

// checkOfRun is a check run's state. A conclusion that is not known here is a
// failure: nothing is merged on a word that nobody has read.
func checkOfRun(status, conclusion string) fleet.CheckState {
	if status != "COMPLETED" || conclusion == "" {
		return fleet.CheckPending
	}
	switch conclusion {
	case "SUCCESS":
		return fleet.CheckSuccess
	case "NEUTRAL", "SKIPPED":
		return fleet.CheckNeutral
	}
	return fleet.CheckFailure
}

func signature(valid bool) fleet.Signature {
	if valid {
		return fleet.SignatureVerified
	}
	return fleet.SignatureUnverified
}

func queueState(word string) fleet.QueueState {
	switch word {
	case "AWAITING_CHECKS":
		return fleet.QueueChecking
	case "MERGEABLE":
		return fleet.QueueMergeable
	case "UNMERGEABLE":
		return fleet.QueueUnmergeable
	case "LOCKED":
		return fleet.QueueLocked
	}
	return fleet.QueueWaiting
}

// dequeueReason reads the forge's word on why a queue lost a pull request; it
// has them in lower case in one place and in upper case in another. What it
// does by itself it calls manual too, under the name of a bot.
func dequeueReason(word string, by fleet.Actor) fleet.DequeueReason {
	switch strings.ToLower(word) {
	case "manual":
		if by.Bot && !by.Self {
			return fleet.DequeuedOther
		}
		return fleet.DequeuedByHand
	case "failed_checks", "ci_failure", "checks_timed_out", "ci_timeout":
		return fleet.DequeuedChecks
	case "merge_conflict":
		return fleet.DequeuedConflict
	case "merged", "merge", "already_merged":
		return fleet.DequeuedMerged
	}
	return fleet.DequeuedOther
}
