package avouchtest_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/avouchtest"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/keys"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/token"
	"github.com/avouch-oauth/avouch/trust"
)

const (
	issuer  = "https://as.example.com"
	flawEnv = "AVOUCH_AVOUCHTEST_FLAW"
)

func key(t testing.TB) *keys.Private {
	t.Helper()
	k, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// config is a server with a public client that may do everything.
func config(t testing.TB, grants ...avouch.Grant) avouch.Config {
	return avouch.Config{
		Issuer: issuer, Minter: &token.Minter{Key: key(t)}, Grants: grants,
		ClientAuth: []avouch.ClientAuth{clientauth.None{}},
		Clients: avouch.ClientList{{
			ID: "app", AuthMethod: "none", Scopes: []string{"read"}, DefaultScopes: []string{"read"},
			Grants: []string{pinType, grant.JWTBearerType, grant.RefreshTokenType},
		}},
	}
}

const pinType = "urn:example:pin"

// pins is a stranger's grant, by a PIN that is good once and stands for a consent. It may have a flaw.
type pins struct {
	flaw string

	mu     sync.Mutex
	valid  map[string]string // PIN → consent
	wrong  int
	issued atomic.Int64
}

func (*pins) Type() string { return pinType }

func (p *pins) next(testing.TB) url.Values {
	n := p.issued.Add(1)
	pin := fmt.Sprintf("pin-%030d", n)
	if p.flaw == "can be guessed" || p.flaw == "" && n%2 == 0 {
		pin = fmt.Sprint("pin-", n)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.valid == nil {
		p.valid = map[string]string{}
	}
	p.valid[pin] = fmt.Sprint("consent-", n)
	return url.Values{"grant_type": {pinType}, "client_id": {"app"}, "pin": {pin}}
}

func (p *pins) Authorize(ctx context.Context, req *avouch.Request) (*avouch.Authorization, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pin := req.Param("pin")
	consent, known := p.valid[pin]
	if p.flaw == "" && len(pin) < 30 && req.DryRun() {
		return nil, avouch.ErrNotTried
	}
	no := &avouch.Error{Code: avouch.InvalidGrant, Description: "the PIN is not valid"}
	if !known {
		if p.flaw == "counts in Authorize" {
			p.wrong++
		}
		return nil, no
	}
	if p.wrong > 10 {
		return nil, no
	}
	authz := &avouch.Authorization{
		Subject: "ann", Family: consent, Refresh: true,
		Uses: []replay.Use{{Purpose: "pin", Party: "app", ID: pin, Until: req.Now.Add(time.Hour), Issued: req.Now}},
	}
	switch p.flaw {
	case "uses up in Authorize":
		delete(p.valid, pin)
	case "uses up if it is not a dry run":
		if !req.DryRun() {
			delete(p.valid, pin)
		}
	case "keeps in Authorize":
		_, digest := handle.New()
		if err := req.Server().Handles().PutHandle(ctx, req.Now, &handle.Record{Kind: "pin", Digest: digest, Expires: req.Now.Add(time.Hour)}); err != nil {
			return nil, err
		}
	case "is another in a dry run":
		if req.DryRun() {
			authz.Subject = "anyone"
		}
	case "accepts any":
		authz.Uses[0].ID = fmt.Sprint(p.issued.Add(1))
	}
	return authz, nil
}

// TestFlawedGrant, without a flaw, acquits the grant in which the flaws are.
func TestFlawedGrant(t *testing.T) {
	p := &pins{flaw: os.Getenv(flawEnv)}
	c := config(t, p)
	c.Refresh = &grant.RefreshToken{}
	avouchtest.RunGrant(t, c, p.next)
}

// TestJudge: a judge that acquits every grant is worth nothing. Each flaw is found, by the test for it, in a process of its
// own.
func TestJudge(t *testing.T) {
	if os.Getenv(flawEnv) != "" {
		t.Skip("this is the other process")
	}
	for flaw, where := range map[string]string{
		"uses up in Authorize":           "a_dry_run_changes_nothing",
		"uses up if it is not a dry run": "a_refused_request_uses_nothing_up",
		"counts in Authorize":            "wrong_requests_in_dry_runs_lock_nothing",
		"keeps in Authorize":             "a_dry_run_changes_nothing",
		"is another in a dry run":        "a_dry_run_says_what_the_server_says",
		"accepts any":                    "once",
		"can be guessed":                 "a_dry_run_is_no_oracle",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFlawedGrant$")
			cmd.Env = append(os.Environ(), flawEnv+"="+flaw)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawedGrant/"+where+" (") {
				t.Errorf("the judge does not say %q (%v):\n%s", where, err, out)
			}
		})
	}
}

// TestBuiltIn: the grants that Avouch comes with keep the contract.
func TestBuiltIn(t *testing.T) {
	t.Run("JWT bearer", func(t *testing.T) {
		idp := key(t)
		c := config(t, avouch.ClientOptional(&grant.JWTBearer{Trust: trust.List{{
			Issuer: "https://idp.example", Keys: idp.PublicKeys(time.Now()), Rules: []trust.Rule{{Subject: "ann", ClientID: "app", Scopes: []string{"read"}}},
		}}}))
		avouchtest.RunGrant(t, c, func(t testing.TB) url.Values {
			a, err := assertion.Sign(assertion.Claims{Issuer: "https://idp.example", Subject: "ann", Audience: issuer}, idp)
			if err != nil {
				t.Fatal(err)
			}
			return url.Values{"grant_type": {grant.JWTBearerType}, "assertion": {a}}
		})
	})
	t.Run("refresh token", func(t *testing.T) {
		refresh, store := &grant.RefreshToken{}, handle.NewMemory(0)
		c := config(t)
		c.Handles, c.Refresh = store, refresh
		client, err := c.Clients.Client(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		avouchtest.RunGrant(t, c, func(t testing.TB) url.Values {
			n++
			text, err := refresh.Issue(t.Context(), store, time.Now(), client, &avouch.Authorization{
				ClientID: "app", Subject: "ann", Family: fmt.Sprint("f-", n), Scopes: []string{"read"}, DefaultScopes: []string{"read"}, Since: time.Now(),
			})
			if err != nil {
				t.Fatal(err)
			}
			return url.Values{"grant_type": {grant.RefreshTokenType}, "client_id": {"app"}, "refresh_token": {text}}
		})
	})
	t.Run("client credentials", func(t *testing.T) {
		c := config(t, grant.ClientCredentials{})
		mine := key(t)
		c.ClientAuth = []avouch.ClientAuth{&clientauth.PrivateKeyJWT{}}
		c.Clients = avouch.ClientList{{ID: "batch", Keys: mine.PublicKeys(time.Now()), Grants: []string{"client_credentials"}}}
		avouchtest.RunGrant(t, c, func(t testing.TB) url.Values {
			a, err := assertion.Sign(assertion.Claims{Issuer: "batch", Subject: "batch", Audience: issuer}, mine)
			if err != nil {
				t.Fatal(err)
			}
			return url.Values{
				"grant_type": {"client_credentials"}, "client_assertion": {a},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			}
		})
	})
}
