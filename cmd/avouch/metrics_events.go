package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/events"
)

// eventMetrics are the figures of the stream of events.
type eventMetrics struct{ sink *events.Sink }

// The descriptions of eventMetrics. Nothing changes them.
var (
	eventLines       = prometheus.NewDesc("avouch_event_lines_total", "Events written.", nil, nil)
	eventsSuppressed = prometheus.NewDesc("avouch_event_refusals_suppressed_total",
		"Refusals without a line among the events: sampled, because anyone can cause any number of them, or for lack of room.", []string{"why"}, nil)
	eventTokensRefused = prometheus.NewDesc("avouch_event_tokens_refused_total", "Token requests refused because there was no room for their event.", nil, nil)
	eventPlacesUsed    = prometheus.NewDesc("avouch_event_places_used", "Places in the buffer of events that are taken.", nil, nil)
	eventPlacesFree    = prometheus.NewDesc("avouch_event_places_free", "Token requests whose events the buffer has room for.", nil, nil)
	eventWriteFailing  = prometheus.NewDesc("avouch_event_write_failing", "1 if the last try to write events has failed.", nil, nil)
)

// watchEvents adds the figures of a sink, which may be nil.
func (m *metrics) watchEvents(sink *events.Sink) {
	if sink != nil {
		m.registry.MustRegister(eventMetrics{sink})
	}
}

// Describe implements prometheus.Collector.
func (m eventMetrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

// Collect implements prometheus.Collector.
func (m eventMetrics) Collect(out chan<- prometheus.Metric) {
	s := m.sink.Stats()
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge := func(d *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value)
	}
	counter(eventLines, s.Written)
	counter(eventsSuppressed, s.Sampled, "sampled")
	counter(eventsSuppressed, s.NoRoom, "no_room")
	counter(eventTokensRefused, s.TokensRefused)
	gauge(eventPlacesUsed, float64(s.Used))
	gauge(eventPlacesFree, float64(s.Free))
	failing := 0.0
	if s.Failing {
		failing = 1
	}
	gauge(eventWriteFailing, failing)
}
