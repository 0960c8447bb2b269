package metrics

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/api"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/portreeve/portreeve/reconciler/fleet"
)

// remote begins the names of the metrics of remote-write queues.
const remote = "prometheus_remote_storage_"

// own is what something's own metrics say of its queues: by metric, without remote,
// and queue. What is told of all queues together has the name "".
type own map[string]map[string]float64

// queues asks what runs at an address for its own metrics, of which only those of
// queues are read. It is what an agent answers as well.
func queues(ctx context.Context, client api.Client) (own, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, client.URL("/metrics", nil).String(), nil)
	if err != nil {
		return nil, errors.New("its address can't be read")
	}
	resp, body, err := client.Do(ctx, req)
	switch {
	case err != nil:
		return nil, plain(ctx, err)
	case resp.StatusCode != http.StatusOK:
		return nil, errors.New("its own metrics can't be read")
	case len(body) >= maxBody: // the rest may say of a queue that it is behind
		return nil, errors.New("its own metrics are too many")
	}
	var lines bytes.Buffer
	in := bufio.NewScanner(bytes.NewReader(body))
	in.Buffer(nil, maxBody)
	for in.Scan() {
		if bytes.HasPrefix(in.Bytes(), []byte(remote)) && len(in.Bytes()) < 1<<10 {
			lines.Write(in.Bytes())
			lines.WriteByte('\n')
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(&lines)
	if err != nil || in.Err() != nil {
		return nil, errors.New("its own metrics can't be read")
	}
	all := own{}
	for name, family := range families {
		metric := strings.TrimPrefix(name, remote)
		all[metric] = map[string]float64{}
		for _, m := range family.GetMetric() {
			queue := ""
			for _, l := range m.GetLabel() {
				if l.GetName() == "remote_name" {
					queue = l.GetValue()
				}
			}
			if len(all[metric]) < maxSeries {
				all[metric][queue] = m.GetUntyped().GetValue()
			}
		}
	}
	return all, nil
}

// behind are the queues that are behind by more than so many seconds. What a queue
// has seen (since 3.7) stands still while it is full, so that what came in for all of
// them counts as well, as long as something waits in it.
func (o own) behind(most float64) []fleet.Sample {
	var all []fleet.Sample
	for _, queue := range slices.Sorted(maps.Keys(o["queue_highest_sent_timestamp_seconds"])) {
		sent, lag := o["queue_highest_sent_timestamp_seconds"][queue], 0.0
		if seen, ok := o["queue_highest_timestamp_seconds"][queue]; ok {
			lag = seen - sent
		}
		if in, ok := o["highest_timestamp_in_seconds"][""]; ok && o["samples_pending"][queue] > 0 {
			lag = max(lag, in-sent)
		}
		if lag > most {
			all = append(all, fleet.Sample{Labels: map[string]string{"remote_name": queue}, Value: lag})
		}
	}
	return all
}

func (o own) runs() map[string]fleet.Queue {
	all := map[string]fleet.Queue{}
	for queue := range o["shards_max"] {
		all[queue] = fleet.Queue{MinShards: o["shards_min"][queue], MaxShards: o["shards_max"][queue], Capacity: o["shard_capacity"][queue]}
	}
	return all
}
