package admin

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/endpoint"
	"github.com/avouch-oauth/avouch/handle"
)

func TestPermissions(t *testing.T) {
	for _, c := range []struct {
		may       string
		operation string
		want      bool
	}{
		{"*", "client.add", true},
		{"client.add", "client.add", true},
		{"client.*", "client.remove", true},
		{"*.list", "rule.list", true},
		{"*.*", "rule.list", true},
		{"issuer.* client.show", "client.show", true},
		{"", "client.add", false},
		{"client.add", "client.update", false},
		{"client.add", "client.addx", false},
		{"client.ad", "client.add", false},
		{"client.*", "client_key.revoke", false},
		{"*.list", "client.listing", false},
		{"client", "client.add", false},
		{"client.", "client.add", false},
		{".add", "client.add", false},
		{"cli*.add", "client.add", false},
		{"Client.add", "client.add", false},
		{"*", "client", false},
		{"*", "", false},
		{"**", "client.add", false},
	} {
		if got := Permissions(strings.Fields(c.may)).Allow(c.operation); got != c.want {
			t.Errorf("%q allows %s: %t, want %t", c.may, c.operation, got, c.want)
		}
	}
}

// operationNames are the exported methods of Admin, each with the name by which it is permitted.
var operationNames = map[string]string{
	"AddClient": "client.add", "Clients": "client.list", "Client": "client.show", "UpdateClient": "client.update",
	"DisableClient": "client.disable", "EnableClient": "client.enable", "RemoveClient": "client.remove",
	"AddClientKeys": "client_key.add", "ClientKeys": "client_key.list", "ActivateClientKey": "client_key.activate",
	"RetireClientKey": "client_key.retire", "RevokeClientKey": "client_key.revoke",
	"AddClientSecret": "client_secret.add", "RemoveClientSecret": "client_secret.remove",
	"AddIssuer": "issuer.add", "Issuers": "issuer.list", "Issuer": "issuer.show", "UpdateIssuer": "issuer.update",
	"DisableIssuer": "issuer.disable", "EnableIssuer": "issuer.enable", "RemoveIssuer": "issuer.remove", "FetchIssuerKeys": "issuer.test",
	"AddRule": "rule.add", "Rules": "rule.list", "Rule": "rule.show", "UpdateRule": "rule.update",
	"DisableRule": "rule.disable", "EnableRule": "rule.enable", "RemoveRule": "rule.remove",
	"DisableSubject": "subject.disable", "EnableSubject": "subject.enable", "Subjects": "subject.list",
	"CreateInitialToken": "initial_token.add", "InitialTokens": "initial_token.list", "RevokeInitialToken": "initial_token.revoke",
	"SigningKeys": "signing_key.list", "RotateSigningKey": "signing_key.rotate", "MaintainSigningKeys": "signing_key.maintain",
	"Reencrypt": "seal.reencrypt", "RevokeToken": "token.revoke", "RevokeConsent": "consent.revoke",
	"Plan": "document.plan", "Apply": "document.apply", "Export": "document.export",
	"Changes": "change.list", "Change": "change.show", "DropChanges": "change.drop",
	"Live": "live.open",

	"Registrar.InitialToken": "client.register", "Registrar.RegisterClient": "client.register", "Registrar.RegisteredClient": "client.show",
	"Registrar.ReplaceClient": "client.update", "Registrar.UnregisterClient": "client.remove",
}

// noOperations are the exported methods that read and change nothing.
var noOperations = map[string]string{
	"As":        "names the caller",
	"Registrar": "its methods are checked below",
}

// TestEveryOperationIsChecked calls every exported method for a caller without permissions. There is no store behind
// them: one that reads before it asks panics.
func TestEveryOperationIsChecked(t *testing.T) {
	nobody := New(nil, nil, Options{Issuer: "https://as.example.com", KeepChanges: time.Hour})
	refuses := func(name string, method reflect.Value) {
		t.Helper()
		operation := operationNames[name]
		if operation == "" {
			t.Errorf("%s has no name in operationNames: give it one, and let it begin with may", name)
			return
		}
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s reads before it asks whether it may: %v", name, p)
			}
		}()
		var args []reflect.Value
		for in := range method.Type().Ins() {
			if in == reflect.TypeFor[context.Context]() {
				args = append(args, reflect.ValueOf(t.Context()))
			} else if in == reflect.TypeFor[*endpoint.RegisteredClient]() {
				args = append(args, reflect.ValueOf(&endpoint.RegisteredClient{ID: "a"}))
			} else {
				args = append(args, reflect.Zero(in))
			}
		}
		out := method.Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != Denied || e.ID != operation {
			t.Errorf("%s for a caller without permissions: %v; want the error denied for %s", name, err, operation)
		}
		for _, v := range out[:len(out)-1] {
			if !v.IsZero() {
				t.Errorf("%s for a caller without permissions returns %v", name, v)
			}
		}
	}
	found := 0
	for _, a := range []*Admin{nobody, nobody.As(Caller{Name: "bob"}), nobody.As(Caller{May: Permissions{"nothing.at_all", "client", ""}})} {
		v := reflect.ValueOf(a)
		for i := range v.NumMethod() {
			if name := v.Type().Method(i).Name; noOperations[name] == "" {
				refuses(name, v.Method(i))
				found++
			}
		}
		r := reflect.ValueOf(a.Registrar())
		for i := range reflect.TypeFor[endpoint.Registrar]().NumMethod() {
			name := reflect.TypeFor[endpoint.Registrar]().Method(i).Name
			refuses("Registrar."+name, r.MethodByName(name))
			found++
		}
	}
	if found != 3*len(operationNames) {
		t.Errorf("%d methods were called, and operationNames has %d", found/3, len(operationNames))
	}
}

// TestChangesAreChecked: a caller that may run an operation still needs the permission for each change that comes of it.
func TestChangesAreChecked(t *testing.T) {
	all := newTest(t)
	live, err := all.Live(t.Context(), LiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	add(t, all, AddClientInput{ID: "app"})
	initial, err := all.CreateInitialToken(ctx, InitialTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	limited := func(may ...string) *Admin { return all.As(Caller{Name: "bob", May: may}) }
	document, err := ParseDocument([]byte(`{"clients":[{"client_id":"app","client_name":"App","scope":"a"},{"client_id":"new","token_endpoint_auth_method":"none","grant_types":["urn:ietf:params:oauth:grant-type:jwt-bearer"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := all.Plan(ctx, document, PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	digest := handle.Digest(initial.Token)
	registered := &endpoint.RegisteredClient{ID: "me", Metadata: endpoint.Metadata{AuthMethod: methodNone, GrantTypes: []string{grantDeviceCode}}}
	token := signed(t, all, live, "family-1")
	for operation, try := range map[string]func(a *Admin) error{
		"client.add":            func(a *Admin) error { _, err := a.Apply(ctx, plan, nil); return err },
		"consent.revoke":        func(a *Admin) error { _, err := a.RevokeToken(ctx, token); return err },
		"initial_token.use":     func(a *Admin) error { return a.Registrar().RegisterClient(ctx, time.Now(), registered, &digest) },
		"signing_key.retire":    func(a *Admin) error { _, err := a.RotateSigningKey(ctx, RotateInput{}); return err },
		"signing_key.withdraw":  func(a *Admin) error { _, err := a.RotateSigningKey(ctx, RotateInput{Now: true}); return err },
		"signing_key.reencrypt": func(a *Admin) error { return reencryptWithAnother(t, a) },
	} {
		before := changesOf(t, all)
		may := Permissions{"document.*", "client.update", "client.register", "token.revoke", "signing_key.rotate", "signing_key.rotate_now", "seal.*"}
		err := try(limited(may...))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != Denied || e.ID != operation {
			t.Errorf("%s: %v", operation, err)
		}
		if after := changesOf(t, all); len(after) != len(before) {
			t.Errorf("%s: %d changes came of it", operation, len(after)-len(before))
		}
	}
	if _, err := all.Client(ctx, "new"); code(err) != NotFound {
		t.Errorf("the client was created: %v", err)
	}
	if c, err := all.Client(ctx, "app"); err != nil || c.Name != "" {
		t.Errorf("an update before the refused change stays: %+v, %v", c, err)
	}
	if _, err := limited("document.plan", "client.update").Plan(ctx, document, PlanOptions{}); code(err) != Denied {
		t.Errorf("a plan of what may not be applied: %v", err)
	}
	if _, err := limited("client.disable").DisableClient(ctx, "app"); err != nil {
		t.Error(err)
	}
	if err := limited("client.*").RemoveClient(ctx, "app"); err != nil {
		t.Error(err)
	}
}

// reencryptWithAnother seals everything with another key, as far as the caller may.
func reencryptWithAnother(t *testing.T, a *Admin) error {
	other := newTestSealer(t)
	other.previous = a.sealer.current
	_, err := New(a.store, other, Options{}).As(a.caller).Reencrypt(t.Context(), nil)
	return err
}

// TestCallerIsTold: a change has its caller without what he might have done besides.
func TestCallerIsTold(t *testing.T) {
	var observed Caller
	a := New(openStore(t), nil, Options{Observe: func(_ context.Context, c Change) { observed = c.Caller }}).As(Caller{Name: "bob", Host: "laptop", Via: "api", May: Permissions{"*"}})
	if _, err := a.DisableSubject(t.Context(), "x", ""); err != nil {
		t.Fatal(err)
	}
	stored := changesOf(t, a)[0].Caller
	text, err := json.Marshal(stored)
	if err != nil || string(text) != `{"name":"bob","host":"laptop","via":"api"}` || stored.May != nil {
		t.Errorf("%s %v", text, err)
	}
	if !reflect.DeepEqual(observed, stored) {
		t.Errorf("observed %+v, stored %+v", observed, stored)
	}
}
