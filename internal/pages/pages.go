// Package pages writes the few pages that people see of the server: signing in, deciding what a client may do, typing in
// the code of a device, an end, an error. They work without JavaScript, and nothing of them comes from elsewhere.
//
// Every text is plain text, whoever it comes from. It is escaped, cut where it is long beyond use, freed of characters
// that nobody sees or that turn the direction of writing around, and texts of strangers stand in an element of their own
// direction (bdi), so that the name of a client changes nothing but itself.
package pages

import (
	"bytes"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

//go:embed page.html page.css
var files embed.FS

// Page is one page. Every text is plain text.
type Page struct {
	Site  string // whose page it is, such as the host of the server; "" shows none
	Title string // of the page, and its heading
	Text  []string

	Client      string            // the name of the client, shown apart
	Scopes      []string          // what it asks for; all of them are shown, whole
	ScopesTitle string            // the heading above them; "" means "It asks to"
	ScopeTexts  map[string]string // what a scope means, in words; one that has none is shown by its name
	Facts       []Fact            // what else is to be seen before deciding
	Warning     string            // what to think of before deciding; "" for nothing

	Links []Link
	Form  *Form

	Done       bool   // something has come to a good end
	Status     int    // zero means 200; from 400 on the page looks and is read out as a problem
	RefusalID  string // for who reports an error; "" for none
	FormTarget string // where a form may lead by redirects besides this server (a source of CSP form-action): see [FormTarget]; "" for nowhere
}

// Fact is something to be seen, with its name.
type Fact struct {
	Name, Value string
	Code        bool // the value is compared by hand: large, letter by letter
}

// Link leads on.
type Link struct {
	Text, URL string
	Button    bool // it is the one way on, and looks like it
}

// Form is posted to the URL of the page itself, unless Action says another.
type Form struct {
	Action  string
	Hidden  []Hidden
	Inputs  []Input // the first one has the focus
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
	Code                     bool // it takes a code that is copied by hand: large, letter by letter, in capitals
	MaxLength                int  // in UTF-16 units; zero means 200
}

// Button ends a form with Name=Value.
type Button struct {
	Text, Name, Value string
	Quiet             bool // not the one that most will press; it works with fields left empty
}

// Write writes a page that nobody may keep, frame, or add a script to.
func Write(w http.ResponseWriter, p *Page) {
	nonce := rand.Text()
	body, err := render(p, nonce)
	if err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// Not no-referrer: with that a browser sends "Origin: null" with our own forms (Fetch, "append a request Origin
	// header"), and they could not be told from others'. To other origins this one says as little.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// No Cross-Origin-Opener-Policy: it would cut a client that signs its users in within a popup off from it for good.
	h.Set("Content-Security-Policy", policy(nonce, p.FormTarget))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.status())
	_, _ = w.Write(body) // the caller is gone: there is nobody left to tell
}

func (p *Page) status() int {
	if p.Status == 0 {
		return http.StatusOK
	}
	return p.Status
}

// tone is how the page looks.
func (p *Page) tone() string {
	switch {
	case p.status() >= 400:
		return "problem-page"
	case p.Done:
		return "done"
	}
	return "plain"
}

// compiled is the template and the style sheet, both as they are embedded. Compiling them for each page would be four times
// the work (a millisecond), and every stranger may ask for a page.
var compiled = sync.OnceValues(func() (*template.Template, error) {
	css, err := files.ReadFile("page.css")
	if err != nil {
		return nil, err
	}
	return template.New("page.html").Funcs(template.FuncMap{
		"line": line, "whole": clean, "css": func() template.CSS { return template.CSS(css) },
	}).ParseFS(files, "page.html")
})

func render(p *Page, nonce string) ([]byte, error) {
	t, err := compiled()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Page": p, "Nonce": nonce, "Tone": p.tone(),
		"Problem": p.status() >= 400 || p.Form != nil && p.Form.Problem != "",
	})
	return b.Bytes(), err
}
