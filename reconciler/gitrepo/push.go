package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// Push moves branches, all or none where the server can, and sends the
// objects of commit; commit is nil where the server has all objects already,
// as for a delete. It may be repeated: a branch that is at New is done.
//
// A branch that is neither at Old nor at New is fleet.Moved. A refusal by the
// server, as by its hooks or branch rules, is fleet.Permanent with the
// server's reason. After an answer that was cut off the branches are read
// again, so that a push that was done counts as done.
//
// The server is not asked first where its branches are: for a push it lists
// all refs that it has, which may be thousands, and it compares them with
// what the push expects anyhow.
func (c *Client) Push(ctx context.Context, r Remote, commit *Commit, updates ...RefUpdate) error {
	k, err := c.connect(ctx, r, "push")
	if err != nil {
		return err
	}
	commands, err := k.commands(commit, updates)
	if err != nil {
		return err
	}
	request, err := pushRequest(commands, commit)
	if err != nil {
		return k.fail(err)
	}
	if commit != nil && commit.via != nil {
		if _, err := k.again(ctx, r, commit.via); err != nil {
			return err
		}
	}
	answer, err := k.send(ctx, request)
	if status := (*statusError)(nil); errors.As(err, &status) && status.code >= 300 && status.code < 400 {
		if _, err = k.discover(ctx, uploadPack); err != nil { // it follows the repo to where it has moved
			return err
		}
		answer, err = k.send(ctx, request)
	}
	if err == nil {
		if err = answer.refusal(k); err == nil {
			return nil
		}
	} else if fleet.ClassOf(err) != fleet.Transient || ctx.Err() != nil {
		return err
	}
	// Whatever the server said, what decides is where the branches are now.
	left, after := k.pending(commands, func(ref string) (string, error) {
		id, err := k.branch(ctx, strings.TrimPrefix(ref, "refs/heads/"))
		return string(id), err
	})
	if after != nil && fleet.ClassOf(after) == fleet.Moved {
		return after
	}
	if after == nil && len(left) == 0 {
		return nil
	}
	return err
}

// command is one ref's move, with the ids as they are sent.
type command struct{ ref, old, new string }

const zeroID = "0000000000000000000000000000000000000000"

func (k *conn) commands(commit *Commit, updates []RefUpdate) ([]command, error) {
	var commands []command
	carried := commit == nil
	for _, u := range updates {
		cmd := command{"refs/heads/" + u.Branch, zeroID, zeroID}
		if err := plumbing.ReferenceName(cmd.ref).Validate(); err != nil || strings.ContainsAny(u.Branch, " \n\x00") {
			return nil, k.permanent("not a branch name: " + k.clean(u.Branch))
		}
		for id, into := range map[fleet.CommitID]*string{u.Old: &cmd.old, u.New: &cmd.new} {
			if id == "" {
				continue
			}
			parsed, err := k.parseID(string(id))
			if err != nil {
				return nil, err
			}
			*into = parsed.String()
		}
		carried = carried || u.New == commit.ID
		commands = append(commands, cmd)
	}
	if len(commands) == 0 || !carried {
		return nil, k.permanent("no branch is moved to the commit")
	}
	return commands, nil
}

// pending are the commands that are still to be done; a ref that is elsewhere
// is fleet.Moved.
func (k *conn) pending(commands []command, at func(ref string) (string, error)) ([]command, error) {
	var left []command
	for _, cmd := range commands {
		now, err := at(cmd.ref)
		if err != nil {
			return nil, err
		}
		if now == "" {
			now = zeroID
		}
		switch now {
		case cmd.new:
		case cmd.old:
			left = append(left, cmd)
		default:
			return nil, k.as(fleet.Moved, fmt.Errorf("the branch %s was moved by someone else",
				strings.TrimPrefix(cmd.ref, "refs/heads/")))
		}
	}
	return left, nil
}

// pushRequest asks for what servers have been able to do since long; one that
// can't do something of it passes over that word.
func pushRequest(commands []command, commit *Commit) ([]byte, error) {
	caps := "\x00 report-status side-band-64k"
	if len(commands) > 1 {
		caps += " atomic"
	}
	var w pktWriter
	deletes := true
	for _, cmd := range commands {
		w.linef("%s %s %s%s", cmd.old, cmd.new, cmd.ref, caps)
		caps = ""
		deletes = deletes && cmd.new == zeroID
	}
	w.flush()
	if deletes {
		return w.Bytes(), nil
	}
	store := memory.NewStorage()
	var ids []plumbing.Hash
	if commit != nil {
		for id, o := range commit.objects {
			m := &plumbing.MemoryObject{}
			m.SetType(o.kind)
			if _, err := m.Write(o.data); err != nil {
				return nil, err
			}
			if _, err := store.SetEncodedObject(m); err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	}
	plumbing.HashesSort(ids)
	_, err := packfile.NewEncoder(&w, store, false).Encode(ids, 0)
	return w.Bytes(), err
}

// pushAnswer is a server's report on a push.
type pushAnswer struct {
	unpack string            // "ok"
	ng     map[string]string // refused refs, with the server's word
	words  string            // what it told people
}

// send makes the push and reads the whole report; less is damage.
func (k *conn) send(ctx context.Context, request []byte) (*pushAnswer, error) {
	body, err := k.post(ctx, receivePack, "", request, k.c.opts.MaxFiltered)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	report, band := newPktReader(body), &sideband{}
	if first, _ := report.r.Peek(5); len(first) == 5 && first[4] <= 3 { // the number of a channel, no text
		band.pkts = report
		report = newPktReader(band)
	}
	a := &pushAnswer{ng: map[string]string{}}
	for {
		kind, line, err := report.line()
		if err != nil {
			return nil, k.fail(err)
		}
		if kind != pktData {
			break
		}
		if status, ok := strings.CutPrefix(line, "unpack "); ok {
			a.unpack = status
		} else if ng, ok := strings.CutPrefix(line, "ng "); ok {
			ref, reason, _ := strings.Cut(ng, " ")
			a.ng[ref] = reason
		}
	}
	a.words = band.words.String()
	if a.unpack == "" {
		return nil, k.fail(&damage{"without a report", nil})
	}
	return a, nil
}

// refusal is the failure that the report tells of, or nil.
func (a *pushAnswer) refusal(k *conn) error {
	var said []string
	if a.unpack != "ok" {
		said = append(said, "unpack: "+a.unpack)
	}
	for ref, reason := range a.ng {
		said = append(said, strings.TrimPrefix(ref, "refs/heads/")+": "+reason)
	}
	if len(said) == 0 {
		return nil
	}
	slices.Sort(said)
	var text bytes.Buffer
	text.WriteString(strings.Join(said, "\n"))
	if a.words != "" {
		text.WriteString("\n" + a.words)
	}
	return k.as(fleet.Permanent, errors.New("the server refuses: "+k.clean(text.String())))
}
