package pages

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkWrite is what a page costs.
func BenchmarkWrite(b *testing.B) {
	p := &Page{
		Title: "Allow access?", Client: "Billing", Scopes: []string{"orders:read", "orders:write"}, Facts: []Fact{{Name: "Signed in as", Value: "alice"}},
		Form: &Form{Hidden: []Hidden{{"csrf", "x"}}, Buttons: []Button{{Text: "Allow", Name: "decision", Value: "allow"}}},
	}
	for b.Loop() {
		Write(httptest.NewRecorder(), p)
	}
}
