package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/avouch-oauth/avouch/admin"
	"github.com/avouch-oauth/avouch/assertion"
	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
	"github.com/avouch-oauth/avouch/keys"
)

// BenchmarkServer measures the binary from outside: tokens per second of server CPU, as a ratio to what the bare
// cryptography of a token — one ES256 verification, one ES256 signature — costs in the same run. Absolute figures of a
// shared machine mean nothing; the ratio does.
//
//	go test -run '^$' -bench Server -benchtime 1x ./cmd/avouch
func BenchmarkServer(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "avouch")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		name        string
		replay      string
		grant       string
		connections int
	}{
		{"jwt-bearer/memory/16", "memory", grantJWTBearer, 16},
		{"jwt-bearer/memory/64", "memory", grantJWTBearer, 64},
		{"jwt-bearer/sqlite/64", "store", grantJWTBearer, 64},
		{"client-credentials/memory/16", "memory", grantClientCredentials, 16},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := startChild(b, binary, c.replay)
			const rounds, perRound = 5, 4000
			var ratios, allocs, p50, p99, perSecond []float64
			for range rounds {
				bodies := s.bodies(b, c.grant, perRound)
				ceiling := cryptoCeiling(b, time.Second/2)
				mallocs, cpu := s.mallocs(b), s.cpu(b)
				result, err := newLoad(s.url+tokenPath, bodies, c.connections).run(b.Context(), nil)
				if err != nil || result.Statuses["200"] != perRound {
					b.Fatalf("%+v, %v", result, err)
				}
				used := s.cpu(b) - cpu
				ratios = append(ratios, perRound/used.Seconds()/ceiling)
				allocs = append(allocs, (s.mallocs(b)-mallocs)/perRound)
				p50, p99 = append(p50, result.P50), append(p99, result.P99)
				perSecond = append(perSecond, result.PerSecond)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ratios), "of-ceiling")
			b.ReportMetric(median(allocs), "allocs/request")
			b.ReportMetric(median(p50), "p50-ms")
			b.ReportMetric(median(p99), "p99-ms")
			b.ReportMetric(median(perSecond), "tokens/s")
			b.Logf("of ceiling %.2f..%.2f", slices.Min(ratios), slices.Max(ratios))
		})
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// cryptoCeiling is how many tokens a second of one core the cryptography alone would allow.
func cryptoCeiling(b *testing.B, d time.Duration) float64 {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("an assertion"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	begin, n := threadCPU(b), 0
	for start := time.Now(); time.Since(start) < d; n++ {
		if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
			b.Fatal("a good signature does not verify")
		}
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / (threadCPU(b) - begin).Seconds()
}

func threadCPU(b *testing.B) time.Duration {
	const thisThread = 1 // RUSAGE_THREAD
	var usage syscall.Rusage
	if err := syscall.Getrusage(thisThread, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// child is the server as a process of its own, on one core where taskset is there.
type child struct {
	url, management string
	key             *keys.Private
	pid             int
}

func startChild(b *testing.B, binary, replayIn string) *child {
	b.Helper()
	address, err := freePort(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	management, err := freePort(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	cmd := exec.Command(binary, "serve", "--dev")
	if path, err := exec.LookPath("taskset"); err == nil {
		cmd = exec.Command(path, "-c", "0", binary, "serve", "--dev")
	}
	cmd.Dir = dir
	cmd.Env = append(foreignEnvironment(), "GOMAXPROCS=1", "AVOUCH_LISTEN="+address, "AVOUCH_MANAGEMENT_LISTEN="+management,
		"AVOUCH_REPLAY="+replayIn, "AVOUCH_LOG_LEVEL=error")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			b.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	c := &child{url: "http://" + address, management: "http://" + management, pid: cmd.Process.Pid}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if resp, err := http.Get(c.management + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			b.Fatal("the server does not become ready")
		}
	}
	c.register(b, dir)
	return c
}

// register makes a client with a rule beside the running server, as the command line does.
func (c *child) register(b *testing.B, dir string) {
	conf := config.Default()
	conf.Store.Path = filepath.Join(dir, "avouch.db")
	conf.Issuer = c.url
	w, err := new(app).open(b.Context(), conf, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	private, public, err := keys.GeneratePairs(1, keys.ES256)
	if err != nil {
		b.Fatal(err)
	}
	c.key = private[0]
	in := admin.AddClientInput{ID: "bench", Keys: mustJSON(b, public)}
	in.GrantTypes, in.Scope, in.DefaultScope = []string{grantClientCredentials, grantJWTBearer}, "a b", "a"
	if _, err := w.admin.AddClient(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	if _, err := w.admin.AddRule(b.Context(), admin.RuleMetadata{Name: "bench", Client: "bench", Subject: "user", AsSubject: "=", Scope: "a b", DefaultScope: "a"}); err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Second) // the server sees the change within a second
}

func (c *child) bodies(b *testing.B, grantType string, n int) []string {
	b.Helper()
	bodies := make([]string, n)
	for i := range bodies {
		claims := assertion.Claims{Issuer: "bench", Subject: "user", Audience: c.url, Lifetime: 10 * time.Minute}
		if grantType == grantClientCredentials {
			claims.Subject, claims.Type = "bench", "client-authentication+jwt"
		}
		signed, err := assertion.Sign(claims, c.key)
		if err != nil {
			b.Fatal(err)
		}
		form := url.Values{"grant_type": {grantType}, "assertion": {signed}}
		if grantType == grantClientCredentials {
			form = authenticated(signed)
		}
		bodies[i] = form.Encode()
	}
	return bodies
}

// cpu is the processor time of the server so far.
func (c *child) cpu(b *testing.B) time.Duration {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.pid))
	if err != nil || len(tasks) == 0 {
		b.Skip("processor time of another process is read from /proc, which is not here")
	}
	var total time.Duration
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(ns)
	}
	return total
}

// mallocs is how many objects the server has allocated so far.
func (c *child) mallocs(b *testing.B) float64 {
	b.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, c.management+"/metrics", nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_memstats_mallocs_total "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("the metrics do not say how much was allocated")
	return 0
}
