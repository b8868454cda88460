package main

import (
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/replay"
)

// metrics counts what happens. Every label has a bounded set of values: none comes from a request.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	refusals *prometheus.CounterVec
	reused   *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	legacy   prometheus.Counter
	signIns  *prometheus.CounterVec
}

// newMetrics makes the metrics. sources, asked at each scrape, are where the keys of issuers come from.
func newMetrics(sources func() []admin.KeySource) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "avouch_requests_total", Help: "Requests answered, by endpoint, grant, client authentication method and result (an OAuth error code, or ok).",
		}, []string{"endpoint", "grant", "auth", "result"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "avouch_assertion_refusals_total", Help: "Assertions refused, by reason (docs/errors.md explains each).",
		}, []string{"reason"}),
		reused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "avouch_grants_reused_total", Help: "Codes and refresh tokens used a second time, by grant: each was stolen, and has ended its consent.",
		}, []string{"grant"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "avouch_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		}, []string{"endpoint"}),
		legacy: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "avouch_legacy_audience_total", Help: "Client assertions accepted only because the client is configured for the audience of the time before RFC 10070.",
		}),
	}
	m.signIns = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "avouch_signins_total", Help: "What people did at the pages of the server: signed_in, signed_out, refused (a sign-in), allowed and denied (a client or device).",
	}, []string{"result"})
	for _, grant := range []string{grantAuthorizationCode, grantRefreshToken, grantDeviceCode} {
		m.reused.WithLabelValues(grant) // at 0, so that the first one is a rise
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "avouch_build_info", Help: "Always 1; the version is the label.",
	}, []string{"version"})
	build.WithLabelValues(version()).Set(1)
	m.registry.MustRegister(m.requests, m.refusals, m.reused, m.seconds, m.legacy, m.signIns, build, keySourceMetrics{sources},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe is an avouch.Config.Observe.
func (m *metrics) observe(e avouch.Event) {
	for _, notice := range e.Notices {
		if notice == clientauth.NoticeLegacyAudience {
			m.legacy.Inc()
		}
	}
	result := "ok"
	if e.Err != nil {
		result = string(avouch.ServerError)
		if refusal, ok := errors.AsType[*avouch.Error](e.Err); ok {
			result = string(refusal.Code)
		}
		if refused, ok := errors.AsType[*assertion.Error](e.Err); ok {
			m.refusals.WithLabelValues(string(refused.Reason)).Inc()
		} else if replayed, ok := errors.AsType[*replay.ReplayedError](e.Err); ok && isAssertion(replayed.Use.Purpose) {
			m.refusals.WithLabelValues(string(assertion.Replayed)).Inc()
		}
	}
	if e.Reused {
		m.reused.WithLabelValues(e.GrantType).Inc()
	}
	m.requests.WithLabelValues(e.Endpoint, e.GrantType, e.AuthMethod, result).Inc()
	m.seconds.WithLabelValues(e.Endpoint).Observe(e.Duration.Seconds())
}

// isAssertion reports whether what may be used once is an assertion, and no code, refresh token or pushed request.
func isAssertion(purpose string) bool {
	return purpose == string(assertion.Grant) || purpose == string(assertion.ClientAuthentication)
}

// signedIn is a signin.Config.Observe.
func (m *metrics) signedIn(happened string) { m.signIns.WithLabelValues(happened).Inc() }

// watchCertificate adds when the certificate in force ends.
func (m *metrics) watchCertificate(c *certificate) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "avouch_tls_certificate_ends_timestamp_seconds", Help: "When the server's TLS certificate ends.",
	}, func() float64 { return float64(c.ends().Unix()) }))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
