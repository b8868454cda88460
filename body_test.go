package avouch_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/avouch-oauth/avouch"
	"github.com/avouch-oauth/avouch/clientauth"
	"github.com/avouch-oauth/avouch/grant"
)

// slow is a body that comes after a while.
type slow struct {
	io.Reader
	after time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(s.after)
	s.after = 0
	return s.Reader.Read(p)
}

// TestTimeDoesNotStandStillForASlowBody: what has expired while a request was on its way is no good when it is there.
// Otherwise whoever opens a request and waits could use what he comes by later, as if it were still then.
func TestTimeDoesNotStandStillForASlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, err := avouch.New(avouch.Config{
			Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{grant.ClientCredentials{}},
			ClientAuth: []avouch.ClientAuth{&clientauth.SecretPost{}},
			Clients: avouch.ClientList{{
				ID: "post", AuthMethod: "client_secret_post", Grants: []string{"client_credentials"},
				Secrets: []avouch.Secret{{SHA256: sha256.Sum256([]byte(secret)), Expires: time.Now().Add(time.Minute)}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			after time.Duration
			want  int
		}{{time.Second, http.StatusOK}, {time.Hour, http.StatusUnauthorized}} {
			form := credentials("client_id", "post", "client_secret", secret).Encode()
			r := httptest.NewRequest("POST", "/oauth/token", &slow{strings.NewReader(form), test.after})
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			server.TokenEndpoint().ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("after %v: %d %s", test.after, w.Code, w.Body)
			}
		}
	})
}

// TestStalledRequestsTakeLittleMemory: whoever opens many requests and sends nothing must not fill the memory by that.
func TestStalledRequestsTakeLittleMemory(t *testing.T) {
	server, err := avouch.New(avouch.Config{
		Issuer: issuer, Minter: &minter{}, Grants: []avouch.Grant{avouch.ClientOptional(voucher{})},
	})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const many = 200
	before := heap()
	var wg sync.WaitGroup
	var writers []*io.PipeWriter
	for range many {
		body, writer := io.Pipe()
		writers = append(writers, writer)
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/oauth/token", body)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			server.TokenEndpoint().ServeHTTP(httptest.NewRecorder(), r)
		})
		if _, err := writer.Write([]byte("grant_type=")); err != nil { // it has been read: the buffer is there
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / many; each > 16<<10 {
		t.Errorf("a request that stalls takes %d bytes", each)
	}
	for _, w := range writers {
		w.Close()
	}
	wg.Wait()
}
