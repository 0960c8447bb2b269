// Package simulation plays a fleet from a seed: a forge in memory, people who
// work in its repos and do as they like with our pull requests, checks that
// fail or stay silent, clusters that are lanes of one repo and go in waves, a
// network that breaks, answers that are seconds behind what was written, a config
// repo that is edited and broken, and the real reconciler in the midst of it, one
// goroutine at a time, by a clock that jumps from each due moment to the next.
// After every pass it holds what happened to the promises; then people and faults
// end, and all has to come to rest, as declared.
//
// One seed gives one log, byte for byte: whatever it finds can be played again.
// It knows of the product what people see from outside: the forge's journal of
// writes, the pull requests, the files, and the outcomes that are told. What a
// target should come to is worked out here a second time, not asked for.
package simulation
