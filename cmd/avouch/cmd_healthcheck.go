package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckCommand is for container images without curl.
func (a *app) healthcheckCommand() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask a running server whether it is ready", Args: noArgs,
		Long: "Asks /readyz of the management listener. Exit code 0 means ready, 1 means not.",
		RunE: func(c *cobra.Command, _ []string) error {
			if url == "" {
				conf, err := a.load(nil)
				if err != nil {
					return err
				}
				if conf.Management.Listen == "off" {
					return errors.New("management.listen is off, so nobody can be asked; name the server by --url")
				}
				url = "http://" + conf.Management.Listen + "/readyz"
			}
			client := &http.Client{Timeout: 5 * time.Second}
			req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, url, nil)
			if err != nil {
				return usage(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				return fmt.Errorf("nobody answers: %w\nwhere its management listener is elsewhere than configured here, name it by --url", err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
			if err != nil {
				return err
			}
			if _, err := a.stdout.Write(body); err != nil {
				return err
			}
			if resp.StatusCode != http.StatusOK {
				return fmt.Errorf("not ready: %s", resp.Status)
			}
			return nil
		},
	}
	c.Flags().StringVar(&url, "url", "", "`URL` to ask (default http://MANAGEMENT-LISTEN/readyz)")
	return c
}
