package sandbox

import (
	"fmt"
	"slices"

	"github.com/graph-gophers/graphql-go"
)

type eventNode struct {
	pull *pullNode
	n    int
	is   event

	Actor     *actorNode
	CreatedAt dateTime
	Reason    *string
}

// ID is the node's id.
func (e *eventNode) ID() graphql.ID {
	return graphql.ID(fmt.Sprintf("EV_%s_%d", e.pull.is.nodeID(), e.n))
}

// BeforeCommit is where something was before.
func (e *eventNode) BeforeCommit() *commitNode {
	if e.is.before.IsZero() {
		return nil
	}
	return e.pull.commit(e.is.before)
}

// AfterCommit is where it came to.
func (e *eventNode) AfterCommit() *commitNode { return e.pull.commit(e.is.after) }

// ToClosedEvent is the event as one of its type.
func (e *eventNode) ToClosedEvent() (*eventNode, bool) { return e, e.is.kind == eventClosed }

// ToAddedToMergeQueueEvent is the event as one of its type.
func (e *eventNode) ToAddedToMergeQueueEvent() (*eventNode, bool) {
	return e, e.is.kind == eventEnqueued
}

// ToRemovedFromMergeQueueEvent is the event as one of its type.
func (e *eventNode) ToRemovedFromMergeQueueEvent() (*eventNode, bool) {
	return e, e.is.kind == eventDequeued
}

// ToHeadRefForcePushedEvent is the event as one of its type.
func (e *eventNode) ToHeadRefForcePushedEvent() (*eventNode, bool) {
	return e, e.is.kind == eventForced
}

// itemTypes are the names of events as a timeline is asked for them.
var itemTypes = map[eventKind]string{
	eventClosed: "CLOSED_EVENT", eventForced: "HEAD_REF_FORCE_PUSHED_EVENT",
	eventEnqueued: "ADDED_TO_MERGE_QUEUE_EVENT", eventDequeued: "REMOVED_FROM_MERGE_QUEUE_EVENT",
}

// TimelineItems are what happened to it, of those sorts that are kept.
func (n *pullNode) TimelineItems(args struct {
	slicing
	Since     *dateTime
	Skip      *int32
	ItemTypes *[]string
},
) (*connection[*eventNode], error) {
	var all []*eventNode
	for i, e := range n.is.events {
		if args.ItemTypes == nil || slices.Contains(*args.ItemTypes, itemTypes[e.kind]) {
			all = append(all, &eventNode{
				pull: n, n: i, is: e, Actor: actorOf(e.by, n.web), CreatedAt: dateTime{e.at}, Reason: optString(e.reason),
			})
		}
	}
	return connect(all, args.slicing, "timelineItems")
}
