package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/avouch-oauth/avouch/internal/jose"
	"github.com/avouch-oauth/avouch/keys"
)

// documentPages are those whose shell commands are held to transcripts.
var documentPages = []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/*.md", "docs/guide/*.md"}

// TestGuide runs the transcripts of the guide: the commands of its pages, with what they need around them.
func TestGuide(t *testing.T) {
	repository, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPROXY").Output()
	goEnv := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || len(goEnv) != 3 {
		t.Fatalf("%q %v", out, err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/guide",
		Setup: func(e *testscript.Env) error {
			address, err := freePort(t.Context())
			if err != nil {
				return err
			}
			management, err := freePort(t.Context())
			if err != nil {
				return err
			}
			for name, value := range map[string]string{
				"ADDRESS": address, "MANAGEMENT": management, "AVOUCH_LISTEN": address, "AVOUCH_MANAGEMENT_LISTEN": "off",
				"GORACE": quickExit, "REPO": repository,
				"GOCACHE": goEnv[0], "GOMODCACHE": goEnv[1], "GOPROXY": goEnv[2], "GOFLAGS": "",
			} {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"mode": checkMode, "platform": makePlatform, "sign": signAsPlatform, "listening": waitForServer, "runner": startRunner,
			"fetch": fetchDocument,
		},
		RequireExplicitExec: true,
	})
}

// makePlatform makes somebody who signs: platform NAME [ALG] writes NAME.pem and NAME-keys.json.
func makePlatform(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: platform NAME [ALG]")
	}
	alg := keys.ES256
	if len(args) == 2 {
		alg = keys.Algorithm(args[1])
	}
	private, public, err := keys.GeneratePairs(1, alg)
	ts.Check(err)
	text, err := private[0].MarshalPEM()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), text, 0o600))
	set, err := json.Marshal(public)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+"-keys.json"), set, 0o600))
}

// signAsPlatform signs what a platform says: sign NAME FILE CLAIM=VALUE... A value that begins with + or - is a time
// from now; CLAIM:=JSON is anything but text; typ goes into the header.
func signAsPlatform(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: sign NAME FILE CLAIM=VALUE...")
	}
	token, err := signClaims(ts.MkAbs(args[0]+".pem"), args[2:])
	ts.Check(err)
	path := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
	ts.Check(os.WriteFile(path, []byte(token+"\n"), 0o600))
}

func signClaims(keyFile string, says []string) (string, error) {
	key, err := keys.LoadPrivate(keyFile)
	if err != nil {
		return "", err
	}
	header := map[string]any{"alg": key.Algorithm, "kid": key.ID}
	claims := map[string]any{"exp": time.Now().Add(10 * time.Minute).Unix(), "iat": time.Now().Unix()}
	for _, s := range says {
		name, value, _ := strings.Cut(s, "=")
		name, raw := strings.CutSuffix(name, ":")
		switch {
		case name == "typ":
			header[name] = value
		case raw:
			claims[name] = json.RawMessage(value)
		case value != "" && strings.Contains("+-", value[:1]):
			d, err := time.ParseDuration(value)
			if err != nil {
				return "", err
			}
			claims[name] = time.Now().Add(d).Unix()
		default:
			claims[name] = value
		}
	}
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	token, err := jose.AppendSigned(nil, h, c, string(key.Algorithm), key.Signer)
	return string(token), err
}

// waitForServer waits until somebody listens: listening ADDRESS.
func waitForServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		conn, err := net.Dial("tcp", args[0])
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("nobody listens on %s", args[0])
}

// fetchDocument gets what is at a URL: fetch URL FILE.
func fetchDocument(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fetch URL FILE")
	}
	resp, err := http.Get(args[0])
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
}

// startRunner is what a GitHub Actions job finds in its environment: runner NAME CLAIM=VALUE... signs an ID token for
// the audience that it is asked for.
func startRunner(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: runner NAME CLAIM=VALUE...")
	}
	keyFile, says := ts.MkAbs(args[0]+".pem"), args[1:]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer the-token-of-the-job" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		token, err := signClaims(keyFile, append(slices.Clone(says), "aud="+r.URL.Query().Get("audience")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"value": token}) // the job sees that it lacks something
	}))
	ts.Defer(server.Close)
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", server.URL+"/token?api-version=2.0")
	ts.Setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "the-token-of-the-job")
}

// TestCommandsOfPages finds each command that the pages show in a transcript, so that it has been run.
func TestCommandsOfPages(t *testing.T) {
	run := map[string]bool{
		"./check":                 true, // which runs all of this
		"go install ./cmd/avouch": true, // TestInstall
		"go run .":                true, // from_nothing.txtar builds it and runs it, to be able to end it
		// the tests of the examples that the pages show
		"go test -race .": true, "go test -race -count=10 .": true,
	}
	for _, dir := range []string{"testdata/guide", "testdata/script"} {
		files, err := filepath.Glob(dir + "/*.txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("no transcripts in %s: %v", dir, err)
		}
		for _, file := range files {
			for _, command := range transcriptCommands(readText(t, file)) {
				run[command] = true
			}
		}
	}
	shown := 0
	for _, pattern := range documentPages {
		files, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no page %s: %v", pattern, err)
		}
		for _, file := range files {
			for _, command := range pageCommands(readText(t, file)) {
				shown++
				if !run[command] {
					t.Errorf("%s shows a command that stands in no transcript:\n%s", file, command)
				}
			}
		}
	}
	if shown < 40 {
		t.Errorf("%d commands found on the pages: some are not read", shown)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	shellBlock  = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	stepBlock   = regexp.MustCompile(`(?m)^( *)- run: \|\n((?: .*\n)+)`) // of a workflow
	otherBlock  = regexp.MustCompile(`(?m)^ {4}(avouch .*|AVOUCH_.*|\(umask .*)$`)
	continued   = regexp.MustCompile(`\\\n\s*`)
	manySpaces  = regexp.MustCompile(`\s+`)
	comment     = regexp.MustCompile(`(^|\s)# .*$`)
	shellScript = regexp.MustCompile(`(?s)^sh -c '(.*)'$`)
	background  = regexp.MustCompile(` &\w*&?$`)
	condition   = regexp.MustCompile(`^\[\S+\] `)
	fromFile    = regexp.MustCompile(`\$\(cat (\S+)\)`)
)

// pageCommands returns the commands of a page, a line each: those of its shell blocks, and of the steps of workflows.
func pageCommands(page string) (commands []string) {
	var blocks []string
	for _, m := range shellBlock.FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, m[1])
	}
	for _, m := range stepBlock.FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, m[2])
	}
	for _, m := range otherBlock.FindAllStringSubmatch(page, -1) {
		blocks = append(blocks, m[1]) // found, so that no form of block escapes
	}
	for _, block := range blocks {
		for line := range strings.SplitSeq(continued.ReplaceAllString(block, ""), "\n") {
			if command := asCommand(line); command != "" {
				commands = append(commands, command)
			}
		}
	}
	return commands
}

// transcriptCommands returns the commands that a transcript runs, as a page would show them: without sh -c around them,
// with the address of the guide's server for that of the test's, and with the name of a value for where it is kept.
func transcriptCommands(transcript string) (commands []string) {
	transcript, _, _ = strings.Cut(transcript, "\n-- ") // the files come behind
	for line := range strings.SplitSeq(transcript, "\n") {
		line = strings.TrimPrefix(condition.ReplaceAllString(line, ""), "! ")
		command, isExec := strings.CutPrefix(line, "exec ")
		if !isExec {
			continue
		}
		command = strings.TrimPrefix(background.ReplaceAllString(command, ""), "env ")
		if m := shellScript.FindStringSubmatch(command); m != nil {
			command = strings.ReplaceAll(m[1], "''", "'")
		}
		command = fromFile.ReplaceAllString(command, "$1")
		command = strings.NewReplacer("http://$ADDRESS", "https://as.example.com", "$WORK", "").Replace(command)
		if command = asCommand(command); command != "" {
			commands = append(commands, command)
		}
	}
	return commands
}

// asCommand is a line without its comment, its indentation, and what differs between typing and having installed.
func asCommand(line string) string {
	line = comment.ReplaceAllString(line, "")
	line = strings.TrimSpace(manySpaces.ReplaceAllString(line, " "))
	line = strings.ReplaceAll(line, "'", `"`)                                          // transcripts know one kind of quotes
	line = strings.ReplaceAll(line, "http://127.0.0.1:8080", "https://as.example.com") // wherever a server is tried
	line = strings.Replace(line, "curl -sS ", "curl ", 1)
	return strings.Replace(line, "go run ./cmd/avouch ", "avouch ", 1)
}

// TestPageCommands shows what is found on a page, so that nothing escapes unseen.
func TestPageCommands(t *testing.T) {
	page := "Text with `avouch list`.\n\n```sh\navouch token --dev   # a comment\n\n(umask 077; avouch key generate-seal \\\n    > /etc/key)\n" +
		"```\n\n```go\navouch.New()\n```\n\n    avouch client list\n\n- run: |\n    curl x\n    avouch y\n"
	want := []string{"avouch token --dev", "(umask 077; avouch key generate-seal > /etc/key)", "curl x", "avouch y", "avouch client list", "avouch y"}
	if got := pageCommands(page); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	transcript := "exec avouch token --dev\n! exec avouch show x\nexec sh -c 'avouch a | avouch b http://$ADDRESS/x $(cat OLD-KID)'\n" +
		"exec avouch serve --dev &server&\nstdout x\n-- file --\nexec avouch never\n"
	want = []string{"avouch token --dev", "avouch show x", "avouch a | avouch b https://as.example.com/x OLD-KID", "avouch serve --dev"}
	if got := transcriptCommands(transcript); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestInstall installs the command as the README says, into a folder of the test.
func TestInstall(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "install", "./cmd/avouch")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOBIN="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExitCodesDocumented holds the table of docs/errors.md to the constants.
func TestExitCodesDocumented(t *testing.T) {
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^\| (\d) \|`).FindAllStringSubmatch(readText(t, "../../docs/errors.md"), -1) {
		documented = append(documented, m[1])
	}
	var want []string
	for _, code := range []int{exitOK, exitError, exitUsage, exitDenied, exitNotFound} {
		want = append(want, strconv.Itoa(code))
	}
	if !slices.Equal(documented, want) {
		t.Errorf("the page has the codes %q, the program %q", documented, want)
	}
}
