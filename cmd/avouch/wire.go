package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/storage"
	"github.com/avouch-oauth/avouch/storage/sqlite"
)

// wired is what most commands work on: the configuration in force, the store, and the operations on it.
type wired struct {
	conf  config.Config
	store storage.Store
	admin *admin.Admin
}

func (w *wired) Close() error { return w.store.Close() }

// operations opens the configured store for a command. It needs no seal key: an operation that does says so. create
// makes the database where it is missing.
func (a *app) operations(ctx context.Context, create bool) (*wired, error) {
	conf, err := a.loadBeside(false)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, conf, create, nil)
}

// open opens the store of a configuration. audit, where not nil, is told of every change.
func (a *app) open(ctx context.Context, conf config.Config, create bool, audit *slog.Logger) (*wired, error) {
	if !create {
		if _, err := os.Stat(conf.Store.Path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database %s; name it by --store or in the configuration, or let \"avouch serve\" or \"avouch client add\" make it", conf.Store.Path)
		}
	}
	sealer, err := a.sealer(conf)
	if err != nil {
		return nil, err
	}
	options := sqlite.Options{}
	if conf.Store.Synchronous == "normal" {
		options.Synchronous = sqlite.Normal
	}
	store, err := sqlite.Open(ctx, conf.Store.Path, options)
	if err != nil {
		if strings.Contains(err.Error(), "readonly database") {
			err = fmt.Errorf("%w\nthis user must be able to write the file and its folder: SQLite keeps files beside the database", err)
		}
		return nil, err
	}
	operations := admin.New(store, sealer, admin.Options{
		Issuer: conf.Issuer,
		Signing: admin.SigningPolicy{
			Algorithm: keys.Algorithm(conf.Keys.Algorithm),
			Every:     conf.Keys.Rotate,
			MaxAge:    jwksMaxAge,
		},
		KeepChanges: conf.Changes.Keep,
		Observe: func(ctx context.Context, c admin.Change) {
			if audit != nil {
				logChange(ctx, audit, &c)
			}
		},
	})
	return &wired{conf: conf, store: store, admin: operations.As(caller("cli"))}, nil
}

// caller returns the caller that changes of this process name: the user and the host of the system. via says how an
// operation comes, "cli" or "serve".
func caller(via string) admin.Caller {
	c := admin.Caller{Name: "uid " + strconv.Itoa(os.Getuid()), Via: via, May: admin.All()}
	if u, err := user.Current(); err == nil {
		c.Name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		c.Host = host
	}
	c.Name, c.Host = plainText(c.Name), plainText(c.Host)
	return c
}

// plainText replaces what the store refuses in a text of the system.
func plainText(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// logChange writes one committed change to the log. The store has its members before and after.
func logChange(ctx context.Context, log *slog.Logger, c *admin.Change) {
	attrs := []slog.Attr{slog.Int64("number", c.Number), slog.String("action", c.Action), slog.String("id", c.ID)}
	if c.Key != "" {
		attrs = append(attrs, slog.String("key", c.Key))
	}
	attrs = append(attrs, slog.String("actor", c.Caller.Name), slog.String("via", c.Caller.Via))
	log.LogAttrs(ctx, slog.LevelInfo, "changed", attrs...)
}

// sealer makes the sealer of the configured key; nil where there is none. The key that --dev made is used where it
// lies beside the database, so that the command line works beside "serve --dev".
func (a *app) sealer(conf config.Config) (*admin.Sealer, error) {
	current, from := string(conf.Seal.Key), "seal.key"
	if conf.Seal.Keyfile != "" {
		from = "seal.keyfile " + conf.Seal.Keyfile
	}
	if current == "" {
		text, err := os.ReadFile(devSealFile(conf))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		current, from = string(text), devSealFile(conf)
	}
	key, err := admin.ParseSealKey([]byte(current))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	var previous []byte
	if conf.Seal.Previous != "" {
		if previous, err = admin.ParseSealKey([]byte(conf.Seal.Previous)); err != nil {
			return nil, fmt.Errorf("seal.previous: %w", err)
		}
	}
	return admin.NewSealer(key, previous)
}
