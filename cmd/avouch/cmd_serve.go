package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/events"
)

func (a *app) serveCommand() *cobra.Command {
	var dev bool
	flags := map[string]*string{}
	c := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: noArgs,
		Long: `Runs the server as configured by file, environment and flags; "avouch config print" shows every key.

--dev needs no configuration: plain HTTP on loopback, a database in the working directory, a seal key beside it, and a
demo client whose key file makes "avouch token --dev" work.`,
		RunE: func(c *cobra.Command, _ []string) error {
			given := map[string]string{}
			for path, value := range flags {
				if c.Flags().Changed(flagName(path)) {
					given[path] = *value
				}
			}
			conf, err := a.load(given)
			if dev {
				err = errors.Join(err, devDefaults(c.Context(), &conf))
			}
			if err = errors.Join(err, conf.Validate()); err != nil {
				return usage(err)
			}
			if dev {
				if err := makeDevSealKey(c.Context(), conf); err != nil {
					return err
				}
			}
			return a.serve(c.Context(), conf, dev)
		},
	}
	c.Flags().BoolVar(&dev, "dev", false, "development: everything made on the first start, on loopback")
	defaults, manual := config.Default(), config.Manual()
	for _, f := range defaults.Fields() {
		if f.IsSecret() || f.Path == "store.path" {
			continue // secrets never stand on a command line; --store is a global flag
		}
		text := fmt.Sprint(f.Value())
		if f.IsList() {
			text = ""
		}
		flags[f.Path] = c.Flags().String(flagName(f.Path), text, brief(manual[f.Path]))
		if _, ok := f.Value().(bool); ok {
			c.Flags().Lookup(flagName(f.Path)).NoOptDefVal = "true"
		}
	}
	return c
}

// brief is the first sentence of a key's manual, without the name it begins with as Go comments do.
func brief(manual string) string {
	sentence, _, _ := strings.Cut(manual, ". ")
	if _, rest, ok := strings.Cut(sentence, " is "); ok && !strings.Contains(sentence[:len(sentence)-len(rest)-len(" is ")], " ") {
		sentence = rest
	}
	return strings.ToLower(sentence[:min(1, len(sentence))]) + strings.TrimSuffix(sentence[min(1, len(sentence)):], ".")
}

// flagName is the flag of a configuration key.
func flagName(path string) string { return strings.ReplaceAll(path, ".", "-") }

// serve runs the server until ctx ends, then lets the requests under way finish.
func (a *app) serve(ctx context.Context, conf config.Config, dev bool) (err error) {
	log := newLogger(a.stderr, conf.Log)
	s, err := a.start(ctx, conf, log, dev)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	log.Info("serving", "issuer", conf.Issuer, "listen", s.address, "management", s.management,
		"store", conf.Store.Path, "replay", conf.Replay, "version", version())
	if dev {
		if err := a.welcome(ctx, s); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		log.Info("shutting down, requests under way are finished")
		return nil
	case err := <-s.failed:
		return err
	}
}

// running is a started server.
type running struct {
	*wired
	address    string
	management string // its address, or off
	server     *authorizationServer
	log        *slog.Logger
	failed     chan error // a listener or the live view ended by itself

	events  *events.Sink // nil if they are off
	servers []*http.Server
	cancel  context.CancelFunc
	ended   chan struct{} // the live view has ended
}

// start opens the store and the listeners, and serves. Whatever fails, nothing is left running. dev is serve --dev.
func (a *app) start(ctx context.Context, conf config.Config, log *slog.Logger, dev bool) (_ *running, err error) {
	var cert *certificate
	if conf.TLS.Cert != "" {
		if cert, err = loadCertificate(conf.TLS.Cert, conf.TLS.Key, log); err != nil {
			return nil, fmt.Errorf("tls.cert, tls.key: %w", err)
		}
	}
	if err := checkEvents(conf); err != nil {
		return nil, err
	}
	warnOfReaders(conf, log)
	warnOfProxy(conf, log)
	w, err := a.open(ctx, conf, true, log)
	if err != nil {
		return nil, err
	}
	// the live view outlives ctx until the requests under way are answered
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &running{wired: w, management: conf.Management.Listen, log: log, failed: make(chan error, 3), cancel: cancel, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			close(s.ended)
			err = errors.Join(err, s.stop())
		}
	}()
	if _, err := a.sealerRequired(conf); err != nil {
		return nil, err
	}
	w.admin = w.admin.As(caller("serve"))
	live, err := w.admin.Live(ctx, admin.LiveOptions{Log: log})
	if err != nil {
		return nil, err
	}
	m := newMetrics(live.KeySources)
	if s.events, err = a.openEvents(conf, log); err != nil {
		return nil, err
	}
	m.watchEvents(s.events)
	guard := &watchedGuard{Guard: replayGuard(conf, w.store)}
	s.server, err = newAuthorizationServer(conf, wiring{
		live: live, admin: w.admin, handles: w.store, guard: guard, log: log, dev: dev, signIns: m.signedIn,
		reserve: reserveIn(s.events),
		observe: func(ctx context.Context, e avouch.Event) {
			if s.events != nil {
				s.events.Observe(ctx, e) // first: whatever happens, the place that was reserved is used
			}
			m.observe(e)
			logIssued(ctx, log, &e)
			if e.KeyID != "" && e.Err == nil {
				live.KeyUsed(e.ClientID, e.KeyID, e.Time)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	public, err := publicHandler(conf, s.server, log)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, "listen", conf.Listen)
	if err != nil {
		return nil, err
	}
	s.address = listener.Addr().String()
	if cert != nil {
		m.watchCertificate(cert)
		config := cert.tlsConfig()
		config.NextProtos = []string{"h2", "http/1.1"}
		listener = tls.NewListener(listener, config)
	}
	if conf.Management.Listen != "off" {
		management, err := listen(ctx, "management.listen", conf.Management.Listen)
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.management = management.Addr().String()
		ready := []readiness{{"state", live.Ready}, {"replay", guard.Ready}}
		if s.events != nil {
			ready = append(ready, readiness{"events", s.events.Ready})
		}
		s.serveOn(management, managementHandler(ready, live.KeySources, m.handler()))
	}
	s.serveOn(listener, public)
	go func() {
		defer close(s.ended)
		if err := live.Run(background); err != nil && background.Err() == nil {
			s.failed <- err
		}
	}()
	return s, nil
}

// logIssued tells, at the level debug, who got which token: its id and never itself.
func logIssued(ctx context.Context, log *slog.Logger, e *avouch.Event) {
	if e.Err != nil || e.TokenID == "" || !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	log.LogAttrs(ctx, slog.LevelDebug, "token issued", slog.String("grant_type", e.GrantType), slog.String("auth", e.AuthMethod),
		slog.String("client", e.ClientID), slog.String("sub", e.Subject), slog.Any("scopes", e.Scopes), slog.Any("aud", e.Audience),
		slog.String("jti", e.TokenID), slog.String("remote", e.RemoteAddr))
}

// listen listens on the address that a key of the configuration names.
func listen(ctx context.Context, key, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		another := "another address"
		if key == "management.listen" {
			another = "another address, or off,"
		}
		return nil, fmt.Errorf("%s: another program listens on %s already, perhaps another avouch; end it, or give %s by --%s",
			key, address, another, flagName(key))
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s: the system does not let this user listen on %s; ports below 1024 need root or CAP_NET_BIND_SERVICE: %w", key, address, err)
	}
	return nil, fmt.Errorf("%s: cannot listen on %s: %w", key, address, err)
}

// sealerRequired is sealer for commands that cannot do without.
func (a *app) sealerRequired(conf config.Config) (*admin.Sealer, error) {
	sealer, err := a.sealer(conf)
	if err == nil && sealer == nil {
		err = errors.New("there is no seal key, which encrypts signing keys at rest: make one with \"avouch key generate-seal\", keep it in a file that only the server can read, and name the file by AVOUCH_SEAL_KEYFILE")
	}
	return sealer, err
}

func (s *running) serveOn(listener net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
}

// shutdownAfter is how long requests under way may take to finish.
const shutdownAfter = 10 * time.Second

// flushAfter is how long it may take to write the events that wait, once the requests are finished.
const flushAfter = 5 * time.Second

// stop ends everything in order: no new requests, the old ones answered, their events, the live view, the store.
func (s *running) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownAfter)
	defer cancel()
	var faults []error
	for _, server := range s.servers {
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			// Anybody can hold a connection open: it must not make a failure of the end.
			s.log.Warn("requests that were still under way are cut off", "after", shutdownAfter)
			err = server.Close()
		}
		faults = append(faults, err)
	}
	if s.events != nil {
		faults = append(faults, s.events.Close(flushAfter))
	}
	s.cancel()
	<-s.ended
	return errors.Join(append(faults, s.Close())...)
}
