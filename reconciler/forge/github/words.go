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
