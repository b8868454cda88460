package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate serves a key pair from files and reads it again when they change, so that a renewed certificate needs no restart. A pair
// that cannot be read leaves the last good one in force.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	stamp   [2]time.Time
	checked time.Time
}

// certificateCheckEvery is how often the files are looked at.
const certificateCheckEvery = 5 * time.Second

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) read() error {
	stamp, err := c.modified()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.pair, c.stamp, c.checked = &pair, stamp, time.Now()
	c.warn(time.Until(pair.Leaf.NotAfter))
	return nil
}

// endsSoon is how long before its end a certificate is told of: later than anything that renews by itself would be.
const endsSoon = 7 * 24 * time.Hour

// warn tells of a certificate that has ended, or ends soon.
func (c *certificate) warn(left time.Duration) {
	if left < endsSoon {
		c.log.Warn("the certificate ends soon or has ended: clients refuse the server then; renew it, it is read again by itself",
			"file", c.certFile, "ends", c.pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
}

// ends is when the certificate in force ends.
func (c *certificate) ends() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair.Leaf.NotAfter
}

func (c *certificate) modified() (stamp [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateCheckEvery {
		return c.pair, nil
	}
	c.checked = time.Now()
	if stamp, err := c.modified(); err == nil && stamp == c.stamp {
		return c.pair, nil
	}
	if err := c.read(); err != nil {
		c.log.Error("the renewed certificate cannot be read, the last good one stays in force", "error", err)
	} else {
		c.log.Info("the certificate was read again")
	}
	return c.pair, nil
}

// tlsConfig is the strict one of FAPI 2.0 §5.2.2: TLS 1.3, or 1.2 with ECDHE and AES-GCM alone.
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		},
	}
}
