package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/avouch-oauth/avouch/admin"
)

// keySourceMetrics tells how the keys of the registered issuers stand: an assertion is refused where the keys of its
// issuer cannot be had. The label is the name that the operator has given the issuer.
type keySourceMetrics struct{ sources func() []admin.KeySource }

// The descriptions of keySourceMetrics. Nothing changes them.
var (
	issuerKeys = prometheus.NewDesc("avouch_issuer_keys", "Public keys of an issuer at hand; 0 also where nobody has asked for one yet.",
		[]string{"issuer"}, nil)
	issuerKeysFetched = prometheus.NewDesc("avouch_issuer_keys_fetched_timestamp_seconds", "When the keys of an issuer were last fetched, or given.",
		[]string{"issuer"}, nil)
	issuerKeysFailing = prometheus.NewDesc("avouch_issuer_keys_failing", "1 where the last try to fetch the keys of an issuer has failed.",
		[]string{"issuer"}, nil)
)

// Describe implements prometheus.Collector.
func (m keySourceMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- issuerKeys
	out <- issuerKeysFetched
	out <- issuerKeysFailing
}

// Collect implements prometheus.Collector.
func (m keySourceMetrics) Collect(out chan<- prometheus.Metric) {
	for _, s := range m.sources() {
		gauge := func(d *prometheus.Desc, value float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.Issuer)
		}
		gauge(issuerKeys, float64(s.Keys))
		if !s.Fetched.IsZero() {
			gauge(issuerKeysFetched, float64(s.Fetched.Unix()))
		}
		failing := 0.0
		if s.Error != "" {
			failing = 1
		}
		gauge(issuerKeysFailing, failing)
	}
}
