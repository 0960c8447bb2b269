package prometheus

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// settings are what one Prometheus on one cluster is to run with. What is zero
// is not declared.
type settings struct {
	Version        string                  `json:"version,omitempty"`
	Replicas       int                     `json:"replicas,omitempty"`
	Shards         int                     `json:"shards,omitempty"`
	ShardRetention string                  `json:"shardRetention,omitempty"`
	ExternalLabels map[string]string       `json:"externalLabels,omitempty"`
	RemoteWrite    map[string]*remoteWrite `json:"remoteWrite,omitempty"`
	Runtime        goRuntime               `json:"runtime,omitzero"`
	WAL            wal                     `json:"wal,omitzero"`
	Blocks         blocks                  `json:"blocks,omitzero"`
	Retention      retention               `json:"retention,omitzero"`
	Resources      resources               `json:"resources,omitzero"`
	Volume         string                  `json:"volume,omitempty"`
}

type remoteWrite struct {
	URL               string     `json:"url,omitempty"`
	MinShards         int        `json:"minShards,omitempty"`
	MaxShards         int        `json:"maxShards,omitempty"`
	Capacity          int        `json:"capacity,omitempty"`
	MaxSamplesPerSend int        `json:"maxSamplesPerSend,omitempty"`
	BatchSendDeadline string     `json:"batchSendDeadline,omitempty"`
	MinBackoff        string     `json:"minBackoff,omitempty"`
	MaxBackoff        string     `json:"maxBackoff,omitempty"`
	RetryOnRateLimit  *bool      `json:"retryOnRateLimit,omitempty"`
	SampleAgeLimit    string     `json:"sampleAgeLimit,omitempty"`
	Timeout           string     `json:"timeout,omitempty"`
	HTTP2             bool       `json:"http2,omitempty"`
	Protocol          string     `json:"protocol,omitempty"`
	BearerToken       *secretKey `json:"bearerToken,omitempty"`
	BasicAuth         *basicAuth `json:"basicAuth,omitempty"`
}

type secretKey struct {
	Secret string `json:"secret"`
	Key    string `json:"key"`
}

type basicAuth struct {
	Username secretKey `json:"username"`
	Password secretKey `json:"password"`
}

type goRuntime struct {
	GoGC        any    `json:"gogc,omitempty"` // "off", or a number
	MemoryLimit string `json:"memoryLimit,omitempty"`
}

type wal struct {
	Compression *bool  `json:"compression,omitempty"`
	SegmentSize string `json:"segmentSize,omitempty"`
}

type blocks struct {
	MinDuration      string `json:"minDuration,omitempty"`
	MaxDuration      string `json:"maxDuration,omitempty"`
	OutOfOrderWindow string `json:"outOfOrderWindow,omitempty"`
}

type retention struct {
	Time string `json:"time,omitempty"`
	Size string `json:"size,omitempty"`
}

type resources struct {
	Memory string `json:"memory,omitempty"`
	CPU    string `json:"cpu,omitempty"`
}

// Prometheus's own defaults.
const (
	defaultMinShards         = 1
	defaultMaxShards         = 50
	defaultCapacity          = 10_000
	defaultMaxSamplesPerSend = 2000
	defaultMinBlock          = 2 * time.Hour
)

var (
	durationForm = regexp.MustCompile(`^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$`)
	durations    = []time.Duration{365 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond}
	amountForm   = regexp.MustCompile(`^(\d+(?:\.\d+)?)([A-Za-z]*)$`)
)

// duration reads a duration as Prometheus does: a year has 365 days.
func duration(text string) (time.Duration, error) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil || text == "" {
		return 0, fmt.Errorf("%q is no duration", text)
	}
	var total time.Duration
	for i, digits := range m[1:] {
		if digits == "" {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > int64(1<<62/durations[i]) || total > 1<<62-time.Duration(n)*durations[i] {
			return 0, fmt.Errorf("%q is longer than can be told", text)
		}
		total += time.Duration(n) * durations[i]
	}
	return total, nil
}

// units are bytes by suffix. Kubernetes, Go and Prometheus each have their own:
// Kubernetes says Gi and G, Go GiB, and Prometheus GB for what is a GiB.
var (
	kubernetesUnits = map[string]float64{
		"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}
	goUnits         = map[string]float64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
	prometheusUnits = map[string]float64{
		"MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}
)

// amount reads a number of bytes.
func amount(text string, units map[string]float64) (float64, error) {
	m := amountForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no amount", text)
	}
	unit, ok := units[m[2]]
	n, err := strconv.ParseFloat(m[1], 64)
	if !ok || err != nil || n*unit > 1<<60 {
		return 0, fmt.Errorf("%q is no amount", text)
	}
	return n * unit, nil
}

// memoryLimit is GOMEMLIMIT as Go reads it, and its bytes: a share is of the
// memory that the container may use.
func (s *settings) memoryLimit() (text string, bytes float64, err error) {
	percent, share := strings.CutSuffix(s.Runtime.MemoryLimit, "%")
	if !share {
		bytes, err = amount(s.Runtime.MemoryLimit, goUnits)
		return s.Runtime.MemoryLimit, bytes, err
	}
	n, err := strconv.Atoi(percent)
	if err != nil {
		return "", 0, fmt.Errorf("%q is no share", s.Runtime.MemoryLimit)
	}
	memory, err := amount(s.Resources.Memory, kubernetesUnits)
	if err != nil {
		return "", 0, fmt.Errorf("a share of the memory is asked for, and resources.memory does not say how much there is")
	}
	mebi := int64(memory * float64(n) / 100 / (1 << 20))
	return fmt.Sprintf("%dMiB", mebi), float64(mebi) * (1 << 20), nil
}

// gogcOff reports whether the garbage is collected near the memory limit alone.
func (s *settings) gogcOff() bool { return s.Runtime.GoGC == "off" }

// queueBytes is about how much memory a queue takes with all its shards.
func (w *remoteWrite) queueBytes() float64 {
	const sample = 88 // bytes
	_, most := w.shards()
	size, send := w.sizes()
	return float64(most) * (float64(size)/float64(send) + 2) * float64(send) * sample
}

func (w *remoteWrite) shards() (least, most int) {
	least, most = w.MinShards, w.MaxShards
	if least == 0 {
		least = defaultMinShards
	}
	if most == 0 {
		most = defaultMaxShards
	}
	return least, most
}

func (w *remoteWrite) sizes() (capacity, send int) {
	capacity, send = w.Capacity, w.MaxSamplesPerSend
	if capacity == 0 {
		capacity = defaultCapacity
	}
	if send == 0 {
		send = defaultMaxSamplesPerSend
	}
	return capacity, send
}
