// Package declare reads the declarations of a config repo: an fs.FS of CUE
// files in, declarations and problems out. It is the only room that knows
// CUE, and what leaves it are the words of package fleet.
//
// Every file named *.cue is read, in whatever folder, except under cue.mod
// and folders whose names begin with a dot. A file is of "package fleet" and
// holds fields of the schema:
//
//	fleet: {…}
//	teams: NAME: {…}
//	ownership: NAME: {…}
//	migrations: NAME: {…}
//
// The whole of CUE may be used, with these exceptions, which keep what a file
// declares from depending on anything but the revision, or from being left out
// without a word:
//
//   - a file without a package clause, or of another package: CUE skips it;
//   - the attributes @if, @ignore, @extern and @embed: with them CUE skips
//     files, or reads others in their place;
//   - imports other than the schema and CUE's packages that compute: what
//     else there is describes commands for "cue cmd", or is not here;
//   - a field at the top that the schema does not know: it declares nothing;
//   - a name that stands in two files: it can't be told which is meant;
//   - what other declarations contradict, and what needs more than types to be
//     told: see kind.Kind;
//   - files, and folders of them, beyond bounds of size and of what they take.
//
// # Policies
//
// A file of "package policies" in the folder policies holds rules that the
// config repo adds to the built-in policies; all are held against what is
// declared. What a policy finds is a problem, or has to be acknowledged by the
// declaration. Whether an acknowledgement holds depends on the time, and is
// left to those who know it.
//
// # How
//
// A file that is data alone counts by itself. Most are right, and reading the
// schema tells so (accept.go); others CUE evaluates, in parallel. A file that
// uses more of the language is evaluated together with what it refers to, in
// its folder and those above (view.go). How long that takes can't be told, nor
// can it be stopped: it is done in a child process (internal/contain), and a
// file that takes too much is named and left out.
//
// What a file comes to is kept by its content: in memory by a Loader, and on
// disk (folder.go) where it took CUE to find out. To give the problems of a
// tree, Loader.Problems also keeps an index of it: what each file declares and
// refers to. A file that is as it was is then neither read nor decoded, and
// the same checks run over the same declarations as they do without.
package declare
