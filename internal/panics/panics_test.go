package panics

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestCatch(t *testing.T) {
	caught := func(p any) (err error) {
		defer Catch(&err)
		if p == "nil map" {
			var m map[string]int
			m["x"]++
		}
		if p != nil {
			panic(p)
		}
		return errors.New("its own")
	}
	if err := caught(nil); err == nil || err.Error() != "its own" {
		t.Errorf("without a panic: %v", err)
	}
	if err := caught("nil map"); err == nil || !strings.Contains(err.Error(), "assignment to entry in nil map") || !strings.Contains(err.Error(), "panics_test.go") {
		t.Errorf("of the runtime: %v", err)
	}
	for _, p := range []any{"a secret", errors.New("a secret"), fmt.Errorf("%w", errors.New("a secret"))} {
		if err := caught(p); err == nil || strings.Contains(err.Error(), "a secret") || !strings.Contains(err.Error(), "panic with a") {
			t.Errorf("%T: %v", p, err)
		}
	}
	defer func() {
		if p, ok := recover().(error); !ok || !errors.Is(p, http.ErrAbortHandler) {
			t.Errorf("the end of a connection was caught: %v", p)
		}
	}()
	_ = caught(fmt.Errorf("%w: enough", http.ErrAbortHandler))
}
