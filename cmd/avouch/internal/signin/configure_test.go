package signin

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

func TestConfigure(t *testing.T) {
	conf := config.Default()
	conf.Issuer = "https://as.example.com"
	c, err := Configure(conf, true)
	if err != nil || c.Upstream != nil || !c.Dev || c.Issuer != conf.Issuer || c.Idle != time.Hour || c.Lifetime != 12*time.Hour {
		t.Errorf("nothing configured: %+v, %v", c, err)
	}

	key, err := keys.Generate(keys.ES256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	conf.SignIn.Issuer, conf.SignIn.Name, conf.SignIn.Clientid, conf.SignIn.Keyfile = "https://login.example.com", "login", "avouch", file
	conf.SignIn.Descriptions = []string{"orders:read=See your orders = all of them", "b=c"}
	if err := conf.Validate(); err != nil {
		t.Fatal(err)
	}
	c, err = Configure(conf, false)
	if err != nil || c.Upstream == nil || c.Dev {
		t.Fatalf("%+v, %v", c, err)
	}
	u := c.Upstream
	if u.Issuer != "https://login.example.com" || u.Name != "login" || u.ClientID != "avouch" || u.Secret != "" || u.Key == nil || u.Key.ID != key.ID || u.AllowPrivate {
		t.Errorf("%+v", u)
	}
	if c.ScopeTexts["orders:read"] != "See your orders = all of them" || len(c.ScopeTexts) != 2 {
		t.Errorf("%q", c.ScopeTexts)
	}
	conf.SignIn.Keyfile = file + "x"
	if _, err := Configure(conf, false); err == nil {
		t.Error("a key file that is not there")
	}
}
