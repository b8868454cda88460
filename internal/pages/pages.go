// Package pages writes the few pages that people see of the server: signing in, deciding what a client may do, typing in
// the code of a device, an end, an error. They work without JavaScript, and nothing of them comes from elsewhere.
package pages

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page.html page.css
var files embed.FS

// Page is one page. Every text is plain text.
type Page struct {
	Title string // of the page, and its heading
	Text  []string

	Client string   // the name of the client, shown apart
	Scopes []string // what it asks for
	Facts  []Fact   // what else is to be seen before deciding

	Links []Link
	Form  *Form

	Status     int    // zero means 200
	RefusalID  string // for who reports an error; "" for none
	FormTarget string // where a form may lead by redirects besides this server (CSP form-action), as "https://app.example"; "" for nowhere
}

// Fact is something to be seen, with its name.
type Fact struct{ Name, Value string }

// Link leads on.
type Link struct{ Text, URL string }

// Form is posted to the URL of the page itself, unless Action says another.
type Form struct {
	Action  string
	Hidden  []Hidden
	Inputs  []Input
	Buttons []Button
	Problem string // what was wrong with what was sent before; "" for nothing
}

// Hidden is a field that nobody sees.
type Hidden struct{ Name, Value string }

// Input is a field to type into.
type Input struct {
	Name, Label, Hint, Value string
	Type                     string // "" means text
	Autocomplete             string
}

// Button ends a form with Name=Value.
type Button struct {
	Text, Name, Value string
	Quiet             bool // not the one that most will press
}

// Write writes a page that nobody may keep, frame, or add a script to.
func Write(w http.ResponseWriter, p *Page) {
	nonce := rand.Text()
	page := template.Must(template.New("page.html").ParseFS(files, "page.html"))
	css, err := files.ReadFile("page.css")
	if err != nil {
		panic(err) // it is embedded
	}
	var b bytes.Buffer
	if err := page.Execute(&b, map[string]any{"Page": p, "Nonce": nonce, "CSS": template.CSS(css)}); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	target := ""
	if p.FormTarget != "" && !strings.ContainsAny(p.FormTarget, "; ,\r\n") {
		target = " " + p.FormTarget
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'"+target+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	status := p.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller is gone: there is nobody left to tell
}
