// Package reconciler makes a fleet of repos as one config repo declares.
//
// It is the root of the house: [Reconciler.Once] makes one pass,
// [Reconciler.Run] makes them until it is stopped. This page is the map.
//
// # Promises
//
// Git is the database: whatever decides an outcome is a commit in the config
// repo or stands on the forge. The data directory may be deleted at any
// moment; nothing is lost and nothing is done twice.
//
// A plan is data, computed purely: the same world gives the same plan, byte
// for byte. A preview is stopping before apply.
//
// A pass is level-triggered: it looks at what is and moves it towards what
// should be. Events only wake it, and a newer commit pre-empts an older one.
//
// A bad declaration harms only itself. Ownership that is invalid is enforced
// as of the last revision in which it was valid, and so are loans, clusters, teams and
// the settings, which go no further than they ask for today. A migration, or a
// Prometheus, is frozen: what is open for it stays, nothing new is done. The others go on, and what is
// held or frozen is marked wherever it is shown. Gone is gone.
//
// Nothing is destroyed silently. Commits by people on our branches are kept,
// on top of ours where that is made anew, and a branch is written only where
// it still is what was seen; a pull request that a person closed stays closed.
//
// Every target has one state and one reason.
//
// # The way of the data
//
//	config repo ─ source ─▶ revision ─ declare, held ─▶ declarations, problems
//	                                                   │
//	forge, git ── observe ──▶ world ◀── answers ──┐    │
//	catalog, metrics, clusters  │                 │    ▼
//	                            └────────▶ plan (pure): kinds, clashes, rollout
//	                                              │  └─ needs, at most 12 rounds
//	                                              ▼
//	                                    apply ──▶ branches, pull requests, merges, clusters
//	                                              │
//	                                    pass ───▶ commit status, dashboard, history
//
// # Layers, from the bottom
//
// A package imports those above it in this list; members (the packages below
// a contract) never import one another and are listed once: transforms and
// kinds in cmd/internal/members, forges and clusters in cmd/portreeve. A test holds the code
// to it and gives the reason for each rule.
//
//	fleet       the words as types: repo, target, declaration, problem, failure
//	disk        changes files of the data directory, where a kill can be tried
//	transform   contract of file edits; a member for each step and file format
//	kind        contract of kinds; members ownership, loan, cluster, prometheus, migration
//	advice      pure: what the history of a Prometheus says that its settings should be
//	rollout     pure: one item's decision (Decide), trials on clusters (Tried), waves and
//	            breaker (Roll), gates (Gated), then order and limits over all (Pace)
//	report      pure: titles, bodies, comments, commit messages
//	plan        pure: runs kinds over snapshots, finds clashes, asks back by data
//	declare     files to declarations or problems; the only room that knows CUE
//	gitrepo     snapshots, commits from edits, push; Git's protocols, no clone
//	source      the config repo: newest revision, changes, blame, what came before
//	held        a revision's declarations, the invalid ones as last valid
//	forge       contract of a forge; members github and sandbox
//	cluster     contract of deliveries to clusters without a repo; members files and kube
//	catalog     Backstage's catalog, in our words
//	metrics     what Prometheuses answer
//	observe     builds the world and answers needs, in batches
//	apply       takes the steps of a plan
//	store       caches and history on disk
//	dashboard   status pages, status.json, metrics
//	reconciler  this package
//	simulation  a fleet with its people and troubles, played from a seed, for tests
//
// # Where a change goes
//
// A new way to edit files is a member of transform. A new sort of declaration
// is a member of kind and a definition in schema. What should not be declared,
// or not without being acknowledged, is a policy, in policies. When a pull
// request opens, merges, waits or closes is decided in rollout; what it says,
// in report. How a mistake is worded is in declare, or in the kind's Check. A
// command is a file in cmd/portreeve.
package reconciler
