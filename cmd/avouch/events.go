package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/events"
)

// openEvents opens what the configuration says events go to. It returns nil if they are off.
func (a *app) openEvents(conf config.Config, log *slog.Logger) (*events.Sink, error) {
	if conf.Events.To == "off" {
		return nil, nil
	}
	return events.Open(events.Config{To: conf.Events.To, Lines: conf.Events.Buffer, Stdout: a.stdout, Log: log})
}

// checkEvents returns why events could not be written to the file of the configuration.
func checkEvents(conf config.Config) error {
	if conf.Events.To == "off" || events.ToStdout(conf.Events.To) {
		return nil
	}
	if err := events.Check(conf.Events.To); err != nil {
		return fmt.Errorf("events.to: %w", err)
	}
	return nil
}

// reserveIn returns the Reserve of a sink, nil if there is none.
func reserveIn(s *events.Sink) func(context.Context) error {
	if s == nil {
		return nil
	}
	return s.Reserve
}
