// Package lines compares and merges texts by their lines: the difference
// that a pull request page shows, and the three-way merge behind a merge
// button. It knows nothing of Git.
package lines

import "strings"

// Split cuts a text behind each newline.
func Split(text string) []string {
	if text == "" {
		return nil
	}
	parts := strings.SplitAfter(text, "\n")
	if parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

// Edit replaces the lines from A to AEnd of the old text by those from B to
// BEnd of the new one.
type Edit struct{ A, AEnd, B, BEnd int }

// maxCost bounds the work on texts that have little in common; past it, what
// is left counts as one edit.
const maxCost = 4000

// Diff gives the edits that make b out of a, in order.
func Diff(a, b []string) []Edit {
	pre := 0
	for pre < len(a) && pre < len(b) && a[pre] == b[pre] {
		pre++
	}
	suf := 0
	for suf < len(a)-pre && suf < len(b)-pre && a[len(a)-1-suf] == b[len(b)-1-suf] {
		suf++
	}
	edits := myers(a[pre:len(a)-suf], b[pre:len(b)-suf])
	for i := range edits {
		edits[i].A += pre
		edits[i].AEnd += pre
		edits[i].B += pre
		edits[i].BEnd += pre
	}
	return edits
}

// myers is the greedy algorithm of Myers (1986), keeping each round's
// frontier to walk back over.
func myers(a, b []string) []Edit {
	n, m := len(a), len(b)
	if n == 0 && m == 0 {
		return nil
	}
	if n == 0 || m == 0 {
		return []Edit{{0, n, 0, m}}
	}
	v := map[int]int{1: 0}
	var rounds []map[int]int
	for d := 0; d <= n+m; d++ {
		if d*d > maxCost*maxCost/4 {
			return []Edit{{0, n, 0, m}}
		}
		next := make(map[int]int, d+2)
		for k := -d; k <= d; k += 2 {
			x := step(v, k, d)
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			next[k] = x
			if x >= n && x-k >= m {
				return walkBack(append(rounds, v), n, m, d)
			}
		}
		rounds = append(rounds, v)
		v = next
	}
	return []Edit{{0, n, 0, m}}
}

// step is where round d begins on diagonal k, given the round before.
func step(v map[int]int, k, d int) int {
	if k == -d || k != d && v[k-1] < v[k+1] {
		return v[k+1]
	}
	return v[k-1] + 1
}

func walkBack(rounds []map[int]int, x, y, d int) []Edit {
	var edits []Edit
	for ; d > 0; d-- {
		v, k := rounds[d], x-y
		prev := k - 1
		if k == -d || k != d && v[k-1] < v[k+1] {
			prev = k + 1
		}
		px := v[prev]
		py := px - prev
		one := Edit{px, px, py, py + 1}
		if prev == k-1 {
			one = Edit{px, px + 1, py, py}
		}
		if last := len(edits) - 1; last >= 0 && edits[last].A == one.AEnd && edits[last].B == one.BEnd {
			edits[last].A, edits[last].B = one.A, one.B
		} else {
			edits = append(edits, one)
		}
		x, y = px, py
	}
	for i, j := 0, len(edits)-1; i < j; i, j = i+1, j-1 {
		edits[i], edits[j] = edits[j], edits[i]
	}
	return edits
}
