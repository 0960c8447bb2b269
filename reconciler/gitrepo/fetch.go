package gitrepo

import (
	"context"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// order is what a fetch asks for.
type order struct {
	wants   []plumbing.Hash
	haves   []plumbing.Hash // commits whose history is not sent
	shallow bool            // the wanted commits without their history
	filter  filter          // what of the wanted is left out, unless it is itself wanted
	max     int64
}

// filter is Git's word for what is left out of a pack.
type filter string

const (
	unfiltered filter = ""
	noContents filter = "blob:none"
	noTrees    filter = "tree:0" // nor contents
	oneTree    filter = "tree:1" // a commit's root, and nothing below it
)

// fetch adds the objects of an order to into.
func (k *conn) fetch(ctx context.Context, adv *advert, o order, into *objects) error {
	request, protocol := requestV0(adv, o), ""
	if adv.v2 {
		request, protocol = requestV2(adv, o), protocolV2
	}
	body, err := k.post(ctx, uploadPack, protocol, request, o.max)
	if err != nil {
		return err
	}
	defer body.Close()
	pkts := newPktReader(body)
	pack := io.Reader(pkts.r)
	if adv.v2 {
		pack, err = packV2(pkts)
	} else if err = skipToPackV0(pkts); err == nil && adv.can("side-band-64k") {
		pack = &sideband{pkts: pkts}
	}
	if err == nil {
		err = readPack(pack, packLimits{blob: k.c.opts.MaxBlob, total: o.max}, into)
	}
	if err != nil {
		return k.fail(err)
	}
	return nil
}

func requestV2(adv *advert, o order) []byte {
	var w pktWriter
	w.linef("command=fetch\n")
	if adv.can("object-format") {
		w.linef("object-format=sha1\n")
	}
	w.delim()
	w.linef("no-progress\n")
	w.linef("ofs-delta\n")
	if o.shallow && adv.fetchCan("shallow") {
		w.linef("deepen 1\n")
	}
	if o.filter != unfiltered {
		w.linef("filter %s\n", o.filter)
	}
	for _, want := range o.wants {
		w.linef("want %s\n", want)
	}
	for _, have := range o.haves {
		w.linef("have %s\n", have)
	}
	w.linef("done\n")
	w.flush()
	return w.Bytes()
}

func requestV0(adv *advert, o order) []byte {
	caps := " no-progress"
	for _, c := range []string{"side-band-64k", "ofs-delta"} {
		if adv.can(c) {
			caps += " " + c
		}
	}
	if o.filter != unfiltered {
		caps += " filter"
	}
	var w pktWriter
	for _, want := range o.wants {
		w.linef("want %s%s\n", want, caps)
		caps = ""
	}
	if o.shallow && adv.can("shallow") {
		w.linef("deepen 1\n")
	}
	if o.filter != unfiltered {
		w.linef("filter %s\n", o.filter)
	}
	w.flush()
	for _, have := range o.haves {
		w.linef("have %s\n", have)
	}
	w.linef("done\n")
	return w.Bytes()
}

// packV2 passes over the sections before the pack.
func packV2(pkts *pktReader) (io.Reader, error) {
	for {
		kind, line, err := pkts.line()
		switch {
		case err != nil:
			return nil, err
		case kind == pktFlush || kind == pktEnd:
			return nil, &damage{"without a pack", nil}
		case line == "packfile":
			return &sideband{pkts: pkts}, nil
		}
	}
}

// skipToPackV0 passes over the shallow lines and the acknowledgement.
func skipToPackV0(pkts *pktReader) error {
	for {
		_, line, err := pkts.line()
		if err != nil {
			return err
		}
		if line == "NAK" || strings.HasPrefix(line, "ACK ") {
			return nil
		}
	}
}
