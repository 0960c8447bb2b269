// Package github is the member of package forge that speaks GitHub: of
// github.com, of GitHub Enterprise, and of the sandbox's HTTP skin.
//
// Reads go over GraphQL in batches with aliases, and listings and rulesets
// over REST with ETags; writes go over REST. All of it passes one http.Client
// whose transport spends from one [budget], so that the forge's limits are
// planned with rather than run into. It alone knows go-github's types and
// GitHub's words; what it hands on are the types of package fleet. It decides
// nothing, logs nothing, and no text that it returns holds a token.
package github
