package gitrepo

import (
	"context"
	"io"
	"net/url"
	"strings"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// advert is what a server says of a repo before it is asked anything.
type advert struct {
	v2   bool
	caps map[string]string
	// refs are all refs, in version 0 only.
	refs map[string]string
}

const protocolV2 = "version=2"

// discover reads the advertisement of a service. Version 2 is asked for only
// where it exists, in git-upload-pack.
func (k *conn) discover(ctx context.Context, service string) (*advert, error) {
	protocol := ""
	if service == uploadPack {
		protocol = protocolV2
	}
	body, err := k.get(ctx, service, protocol, k.c.opts.MaxFiltered)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	adv, err := readAdvert(body)
	if err != nil {
		return nil, k.fail(err)
	}
	if format := adv.caps["object-format"]; format != "" && format != "sha1" {
		return nil, k.permanent("the repo's object format is " + k.clean(format) + "; only sha1 is supported")
	}
	return adv, nil
}

func readAdvert(r io.Reader) (*advert, error) {
	pkts := newPktReader(r)
	adv := &advert{caps: map[string]string{}, refs: map[string]string{}}
	kind, line, err := pkts.line()
	if err == nil && strings.HasPrefix(line, "# service=") {
		if kind, line, err = pkts.line(); err == nil && kind == pktFlush {
			kind, line, err = pkts.line()
		}
	}
	if err == nil && line == "version 1" {
		kind, line, err = pkts.line()
	}
	adv.v2 = line == "version 2"
	first := true
	for ; err == nil && kind == pktData; kind, line, err = pkts.line() {
		switch {
		case adv.v2:
			adv.setCap(line)
		case strings.HasPrefix(line, "shallow "):
		default:
			ref, caps, _ := strings.Cut(line, "\x00")
			if first {
				for c := range strings.FieldsSeq(caps) {
					adv.setCap(c)
				}
			}
			first = false
			id, name, ok := strings.Cut(ref, " ")
			if !ok {
				return nil, &damage{"not a list of refs", nil}
			}
			if name != "capabilities^{}" && !strings.HasSuffix(name, "^{}") {
				adv.refs[name] = id
			}
		}
	}
	return adv, err
}

func (a *advert) setCap(text string) {
	name, value, _ := strings.Cut(text, "=")
	a.caps[name] = value
}

func (a *advert) can(capability string) bool {
	_, ok := a.caps[capability]
	return ok
}

// fetchCan reports whether the server's fetch has a feature.
func (a *advert) fetchCan(feature string) bool {
	if !a.v2 {
		return a.can(feature)
	}
	for f := range strings.FieldsSeq(a.caps["fetch"]) {
		if f == feature {
			return true
		}
	}
	return false
}

// canFilter reports whether files' contents can be left out, and asked for by
// their ids later.
func (a *advert) canFilter() bool {
	return a.fetchCan("filter") && a.fetchCan("shallow") && (a.v2 || a.can("allow-reachable-sha1-in-want"))
}

// route is what a discovery found out, so that the next request to the repo
// can go without: where it is, what it can, and whether the credentials are
// for it.
type route struct {
	url       string
	base      *url.URL
	adv       *advert
	anonymous bool
}

func (k *conn) route(r Remote, adv *advert) *route {
	return &route{r.URL, k.base, &advert{v2: adv.v2, caps: adv.caps}, k.user == "" && k.secret == ""}
}

// again takes a known route to a repo, or discovers it.
func (k *conn) again(ctx context.Context, r Remote, known *route) (*advert, error) {
	if known == nil || known.url != r.URL {
		return k.discover(ctx, uploadPack)
	}
	k.base = known.base
	if known.anonymous {
		k.user, k.secret = "", ""
	}
	return known.adv, nil
}

// Branch reads where a branch of a repo stands; empty if there is none.
func (c *Client) Branch(ctx context.Context, r Remote, branch string) (fleet.CommitID, error) {
	k, err := c.connect(ctx, r, "read branch")
	if err != nil {
		return "", err
	}
	return k.branch(ctx, branch)
}

func (k *conn) branch(ctx context.Context, branch string) (fleet.CommitID, error) {
	adv, err := k.discover(ctx, uploadPack)
	if err != nil {
		return "", err
	}
	name := "refs/heads/" + branch
	if !adv.v2 {
		return fleet.CommitID(adv.refs[name]), nil
	}
	var w pktWriter
	w.linef("command=ls-refs\n")
	if adv.can("object-format") {
		w.linef("object-format=sha1\n")
	}
	w.delim()
	w.linef("ref-prefix %s\n", name)
	w.flush()
	body, err := k.post(ctx, uploadPack, protocolV2, w.Bytes(), k.c.opts.MaxFiltered)
	if err != nil {
		return "", err
	}
	defer body.Close()
	found, pkts := fleet.CommitID(""), newPktReader(body)
	for {
		kind, line, err := pkts.line()
		switch {
		case err != nil:
			return "", k.fail(err)
		case kind != pktData:
			return found, nil
		}
		if id, rest, _ := strings.Cut(line, " "); rest == name {
			found = fleet.CommitID(id)
		}
	}
}
