// Package sandbox is a forge that nobody can be hurt by. Its state machine
// lives in memory and is itself a member of package forge ([Forge.As]), so
// that simulations need no HTTP; its skin ([Forge.Handler]) speaks the part of
// GitHub's REST and GraphQL API that Portreeve uses, Git over smart HTTP, and
// pages on which a person reads, comments, closes and merges.
//
// The truth about branches is the refs of each repo's Git storage, read at
// every request; so a plain "git push" counts. Everything else (pull requests,
// checks, comments, limits) is in memory and gone with the process. Nothing
// runs in the background but the delivery of webhooks ([Forge.AddWebhook]):
// what depends on time is worked out from the clock when it is read.
package sandbox
