package prometheus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/portreeve/portreeve/reconciler/kind"
)

// mapping is how one setting stands in the spec of prometheus-operator's
// objects, and where there is no operator. A "*" takes the place of a name.
type mapping struct {
	setting string
	at      []string // all that hold it; the first is read
	class   kind.Class
	since   string // the first version of Prometheus that knows it; empty for all
	server  bool   // an agent has none
	// to writes a setting as it stands in the object, and from reads it back.
	to   func(s *settings, value any) (any, error)
	from func(value any) any
}

// hostOf are the places of settings where there is no operator: a path in
// prometheus.yml, a "--flag", or a "$VARIABLE". What is missing has none there.
var hostOf = map[string]string{
	"externalLabels.*":                        "global.external_labels.*",
	"remoteWrite.*.url":                       "remote_write[name=*].url",
	"remoteWrite.*.http2":                     "remote_write[name=*].enable_http2",
	"remoteWrite.*.protocol":                  "remote_write[name=*].protobuf_message",
	"remoteWrite.*.timeout":                   "remote_write[name=*].remote_timeout",
	"remoteWrite.*.minShards":                 "remote_write[name=*].queue_config.min_shards",
	"remoteWrite.*.maxShards":                 "remote_write[name=*].queue_config.max_shards",
	"remoteWrite.*.capacity":                  "remote_write[name=*].queue_config.capacity",
	"remoteWrite.*.maxSamplesPerSend":         "remote_write[name=*].queue_config.max_samples_per_send",
	"remoteWrite.*.batchSendDeadline":         "remote_write[name=*].queue_config.batch_send_deadline",
	"remoteWrite.*.minBackoff":                "remote_write[name=*].queue_config.min_backoff",
	"remoteWrite.*.maxBackoff":                "remote_write[name=*].queue_config.max_backoff",
	"remoteWrite.*.retryOnRateLimit":          "remote_write[name=*].queue_config.retry_on_http_429",
	"remoteWrite.*.sampleAgeLimit":            "remote_write[name=*].queue_config.sample_age_limit",
	"remoteWrite.*.bearerToken.secret":        "remote_write[name=*].authorization.credentials_file",
	"remoteWrite.*.basicAuth.username.secret": "remote_write[name=*].basic_auth.username_file",
	"remoteWrite.*.basicAuth.password.secret": "remote_write[name=*].basic_auth.password_file",
	"runtime.gogc":                            "runtime.gogc",
	"runtime.memoryLimit":                     "$GOMEMLIMIT",
	"wal.compression":                         "--storage.tsdb.wal-compression",
	"wal.segmentSize":                         "--storage.tsdb.wal-segment-size",
	"blocks.minDuration":                      "--storage.tsdb.min-block-duration",
	"blocks.maxDuration":                      "--storage.tsdb.max-block-duration",
	"blocks.outOfOrderWindow":                 "storage.tsdb.out_of_order_time_window",
	"retention.time":                          "--storage.tsdb.retention.time",
	"retention.size":                          "--storage.tsdb.retention.size",
}

// onHosts are the settings that need an operator.
var onHosts = []string{"replicas", "shards", "shardRetention"}

// secrets is the folder in which a host keeps what a Secret would hold, as the
// operator mounts it: a folder for each, and in it a file for each key.
const secrets = "/etc/prometheus/secrets/"

// messages are the names of the remote-write protocols.
var messages = map[string]string{"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}

// mappings is the one table of settings. The defaults and first versions are
// Prometheus's, the fields those of prometheus-operator's API v0.95.
var mappings = []mapping{
	{setting: "version", at: []string{"version"}, class: kind.PodRestart, to: prefixed("v"), from: unprefixed("v")},
	{setting: "replicas", at: []string{"replicas"}, class: kind.PodRestart},
	{setting: "shards", at: []string{"shards"}, class: kind.TargetsMove},
	{setting: "shardRetention", at: []string{"shardRetentionPolicy.whenScaled"}, class: kind.Reload, server: true, to: titled, from: lowered},
	{setting: "externalLabels.*", at: []string{"externalLabels.*"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.url", at: []string{"remoteWrite[name=*].url"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.http2", at: []string{"remoteWrite[name=*].enableHTTP2"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.protocol", at: []string{"remoteWrite[name=*].messageVersion"}, class: kind.QueueRestart, since: "2.54.0", to: prefixed("V"), from: unprefixed("V")},
	{setting: "remoteWrite.*.timeout", at: []string{"remoteWrite[name=*].remoteTimeout"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.minShards", at: []string{"remoteWrite[name=*].queueConfig.minShards"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.maxShards", at: []string{"remoteWrite[name=*].queueConfig.maxShards"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.capacity", at: []string{"remoteWrite[name=*].queueConfig.capacity"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.maxSamplesPerSend", at: []string{"remoteWrite[name=*].queueConfig.maxSamplesPerSend"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.batchSendDeadline", at: []string{"remoteWrite[name=*].queueConfig.batchSendDeadline"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.minBackoff", at: []string{"remoteWrite[name=*].queueConfig.minBackoff"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.maxBackoff", at: []string{"remoteWrite[name=*].queueConfig.maxBackoff"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.retryOnRateLimit", at: []string{"remoteWrite[name=*].queueConfig.retryOnRateLimit"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.sampleAgeLimit", at: []string{"remoteWrite[name=*].queueConfig.sampleAgeLimit"}, class: kind.QueueRestart, since: "2.50.0"},
	{setting: "remoteWrite.*.bearerToken.secret", at: []string{"remoteWrite[name=*].authorization.credentials.name"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.bearerToken.key", at: []string{"remoteWrite[name=*].authorization.credentials.key"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.basicAuth.username.secret", at: []string{"remoteWrite[name=*].basicAuth.username.name"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.basicAuth.username.key", at: []string{"remoteWrite[name=*].basicAuth.username.key"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.basicAuth.password.secret", at: []string{"remoteWrite[name=*].basicAuth.password.name"}, class: kind.QueueRestart},
	{setting: "remoteWrite.*.basicAuth.password.key", at: []string{"remoteWrite[name=*].basicAuth.password.key"}, class: kind.QueueRestart},
	{setting: "runtime.gogc", at: []string{"runtime.goGC"}, class: kind.Reload, since: "2.53.0", to: percent, from: unpercent},
	{setting: "runtime.memoryLimit", at: []string{"containers[name=prometheus].env[name=GOMEMLIMIT].value"}, class: kind.PodRestart, to: memory},
	{setting: "wal.compression", at: []string{"walCompression"}, class: kind.PodRestart},
	{setting: "wal.segmentSize", at: []string{"additionalArgs[name=storage.tsdb.wal-segment-size].value"}, class: kind.PodRestart},
	{setting: "blocks.minDuration", at: []string{"additionalArgs[name=storage.tsdb.min-block-duration].value"}, class: kind.PodRestart, server: true},
	{setting: "blocks.maxDuration", at: []string{"additionalArgs[name=storage.tsdb.max-block-duration].value"}, class: kind.PodRestart, server: true},
	{setting: "blocks.outOfOrderWindow", at: []string{"tsdb.outOfOrderTimeWindow"}, class: kind.Reload, since: "2.39.0", server: true},
	{setting: "retention.time", at: []string{"retention"}, class: kind.PodRestart, server: true},
	{setting: "retention.size", at: []string{"retentionSize"}, class: kind.PodRestart, server: true},
	{setting: "resources.memory", at: []string{"resources.limits.memory", "resources.requests.memory"}, class: kind.PodRestart},
	{setting: "resources.cpu", at: []string{"resources.requests.cpu"}, class: kind.PodRestart},
	{setting: "volume", at: []string{"storage.volumeClaimTemplate.spec.resources.requests.storage"}, class: kind.PodRestart},
}

// agentArgs are the flags that an agent has by other names.
var agentArgs = strings.NewReplacer(
	"storage.tsdb.wal-segment-size", "storage.agent.wal-segment-size", "storage.tsdb.wal-compression", "storage.agent.wal-compression",
)

func prefixed(prefix string) func(*settings, any) (any, error) {
	return func(_ *settings, v any) (any, error) { return prefix + fmt.Sprint(v), nil }
}

func unprefixed(prefix string) func(any) any {
	return func(v any) any { return strings.TrimPrefix(fmt.Sprint(v), prefix) }
}

func titled(_ *settings, v any) (any, error) {
	text := fmt.Sprint(v)
	return strings.ToUpper(text[:min(1, len(text))]) + text[min(1, len(text)):], nil
}

func lowered(v any) any { return strings.ToLower(fmt.Sprint(v)) }

func percent(_ *settings, v any) (any, error) {
	if v == "off" {
		return json.Number("-1"), nil
	}
	return v, nil
}

func unpercent(v any) any {
	if fmt.Sprint(v) == "-1" {
		return "off"
	}
	return v
}

func memory(s *settings, _ any) (any, error) {
	text, _, err := s.memoryLimit()
	return text, err
}

// mappingOf finds the mapping of a setting, and the name in the place of its "*".
func mappingOf(setting string) (*mapping, string, bool) {
	for i := range mappings {
		if name, ok := matches(mappings[i].setting, setting); ok {
			return &mappings[i], name, true
		}
	}
	return nil, "", false
}

func matches(pattern, setting string) (name string, ok bool) {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return "", pattern == setting
	}
	rest, ok := strings.CutPrefix(setting, before)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(rest, after)
	return name, ok && name != "" && !strings.Contains(name, ".")
}

// place is a value that stands, or is to stand, in an object.
type place struct {
	setting  string
	at       string // path below the operator's spec, or as hostOf has it
	value    any
	declared string // as it would be declared, for people
}

// dialect is how settings are written: as a server or an agent, as objects of
// the operator or for a host without one.
type dialect struct{ agent, host bool }

// at are the places of a mapping.
func (d dialect) at(m *mapping) []string {
	at := m.at
	if d.host {
		at = nil
		if h := hostOf[m.setting]; h != "" {
			at = []string{h}
		}
	}
	if !d.agent {
		return at
	}
	var all []string
	for _, a := range at {
		all = append(all, agentArgs.Replace(a))
	}
	return all
}

// write is a setting as it stands in its places.
func (d dialect) write(m *mapping, all layered, s *settings, setting string) (any, error) {
	value := all[setting].value
	switch {
	case d.host && strings.HasSuffix(setting, ".secret"):
		key := all[strings.TrimSuffix(setting, "secret")+"key"].value
		return fmt.Sprintf("%s%v/%v", secrets, value, key), nil
	case d.host && strings.HasSuffix(m.setting, ".protocol"):
		return messages[fmt.Sprint(value)], nil
	case m.to != nil:
		return m.to(s, value)
	}
	return value, nil
}

// read is a value of a place as it would be declared.
func (d dialect) read(m *mapping, value any) any {
	switch {
	case d.host && strings.HasSuffix(m.setting, ".protocol"):
		for protocol, message := range messages {
			if value == message {
				return protocol
			}
		}
		return value
	case m.from != nil:
		return m.from(value)
	}
	return value
}

// places are where the settings are to stand, in the order of the table, beside
// what stands there, by setting.
func (l layered) places(s *settings, d dialect, standing map[string]place) ([]place, error) {
	all := maps.Clone(l)
	for name := range s.RemoteWrite {
		// HTTP/2 bounds bandwidth. It is the default of Prometheus before 3.0.
		at := remoteWritePrefix + name + ".http2"
		if _, stands := standing[at]; all[at].from == "" && (stands || older(s.Version, "3.0.0")) {
			all[at] = leaf{value: false}
		}
	}
	order := func(setting string) int {
		return slices.IndexFunc(mappings, func(m mapping) bool { _, ok := matches(m.setting, setting); return ok })
	}
	rank := func(setting string) int {
		if group(setting) != "" {
			return order(remoteWritePrefix + "x.url")
		}
		return order(setting)
	}
	var places []place
	for _, setting := range slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(rank(a)-rank(b), strings.Compare(group(a), group(b)), order(a)-order(b), strings.Compare(a, b))
	}) {
		m, name, ok := mappingOf(setting)
		if !ok {
			return nil, fmt.Errorf("unknown setting %s", setting)
		}
		value, err := d.write(m, all, s, setting)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		for _, at := range d.at(m) {
			places = append(places, place{setting, strings.ReplaceAll(at, "*", name), value, shown(m, text(d.read(m, value)))})
		}
	}
	return places, nil
}

// group is what belongs together: all of one remote write.
func group(setting string) string {
	if rest, ok := strings.CutPrefix(setting, remoteWritePrefix); ok {
		name, _, _ := strings.Cut(rest, ".")
		return remoteWritePrefix + name
	}
	return ""
}

// queues reports whether something has remote-write queues, whoever has named them.
func (d dialect) queues(spec any) bool {
	at := "remoteWrite"
	if d.host {
		at = "remote_write"
	}
	list, _ := valueAt(spec, at)
	all, ok := list.([]any)
	return ok && len(all) > 0
}

// standing are the settings that an object has, as they stand there, by setting.
func (d dialect) standing(spec any) map[string]place {
	all := map[string]place{}
	for i := range mappings {
		m := &mappings[i]
		at := d.at(m)
		if len(at) == 0 {
			continue
		}
		for _, name := range namesAt(spec, at[0]) {
			path := strings.ReplaceAll(at[0], "*", name)
			value, ok := valueAt(spec, path)
			for _, more := range at[1:] { // where they are not one, it does not stand there
				other, _ := valueAt(spec, strings.ReplaceAll(more, "*", name))
				ok = ok && text(other) == text(value)
			}
			if ok {
				setting := strings.ReplaceAll(m.setting, "*", name)
				all[setting] = place{setting, path, value, shown(m, text(d.read(m, value)))}
			}
		}
	}
	return all
}

// login is what may be a password in an address.
var login = regexp.MustCompile(`://[^/\s]*@|\?.*$`)

// shown is a value as it may be told: what people have written into an address
// stays there.
func shown(m *mapping, value string) string {
	if !strings.HasSuffix(m.setting, ".url") {
		return value
	}
	return login.ReplaceAllStringFunc(value, func(part string) string {
		if strings.HasPrefix(part, "?") {
			return "?…"
		}
		return "://…@"
	})
}

// text is a value as people read it.
func text(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}
