package rollout

// Heed holds back a decision of which a step was refused for good, and tells
// the refusal as the item's state. What is refused now may be let through
// later, by a setting that nobody here sees: so it is tried again in the end.
func Heed(s Settings, refused map[string]Refusal, i *Item, d Decision) Decision {
	for n := range d.Steps {
		r, ok := refused[d.Steps[n].Key()]
		if !ok || !s.Now.Before(r.Until) {
			continue
		}
		return Decision{Outcome: i.outcome(Blocked,
			"tries again when the repo, the pull request or the declaration changes, or at "+r.Until.UTC().Format("15:04 UTC"),
			"could not %s: %s", d.Steps[n].Action.words(), r.Reason)}
	}
	return d
}

// words is the action as people say it.
func (a Action) words() string {
	switch a {
	case Open:
		return "open a pull request"
	case Update:
		return "update the pull request"
	case Reword:
		return "change the pull request's text"
	case Merge:
		return "merge the pull request"
	case Enqueue:
		return "add the pull request to the merge queue"
	case Dequeue:
		return "take the pull request out of the merge queue"
	case Close:
		return "close the pull request"
	case DeleteBranch:
		return "delete the branch"
	case Apply:
		return "write it"
	case LetGo:
		return "let go of it"
	}
	return string(a)
}
