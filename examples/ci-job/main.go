// Command ci-job calls an API from a job of a CI system, with the identity that the system gives its jobs. There is no
// secret to keep, to leak or to rotate.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/avouch-oauth/avouch/client"
)

func main() {
	issuer := flag.String("issuer", "https://as.example.com", "issuer of the access tokens")
	file := flag.String("token-file", "", "file with the job's token (GitLab id_tokens, Kubernetes); otherwise GitHub's runner is asked")
	url := flag.String("url", "https://deploy.example.com/run", "what to call")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *issuer, *file, *url); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, issuer, file, url string) error {
	identity := client.GitHubActions(issuer) // a token of the job for this server, and no other
	if file != "" {
		identity = client.AssertionFile(file)
	}
	job := client.JWTBearer{Issuer: issuer, Assertion: identity, Scopes: []string{"deploy:run"}}
	resp, err := job.Client(ctx).Post(url, "application/json", http.NoBody)
	if err != nil {
		return err // client.RefusalID(err) is what the operator of the server wants to know
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s %s\n", resp.Status, body)
	return err
}
