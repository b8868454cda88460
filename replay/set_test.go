package replay

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSet compares with a map, with words that crowd together as no keyed digest ever will.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() word{
		"spread":     func() word { return word{r.Uint64(), r.Uint64()} },
		"small":      func() word { return word{r.Uint64N(50), r.Uint64N(50)} },
		"top":        func() word { return word{math.MaxUint64 - r.Uint64N(3), r.Uint64N(1000)} },
		"one home":   func() word { return word{1 << 60, r.Uint64N(5000)} },
		"ends":       func() word { return word{-r.Uint64N(2), -r.Uint64N(2)} },
		"ascending":  func() func() word { n := uint64(0); return func() word { n += 1 << 48; return word{n, n} } }(),
		"descending": func() func() word { n := uint64(0); return func() word { n -= 1 << 48; return word{n, n} } }(),
	} {
		t.Run(name, func(t *testing.T) {
			var s set
			known := map[word]bool{}
			for range 20000 {
				w := next()
				if w == (word{}) {
					continue
				}
				if s.has(w) != known[w] {
					t.Fatalf("has(%x) = %v", w, !known[w])
				}
				if r.IntN(2) == 0 {
					continue
				}
				if s.add(w) == known[w] {
					t.Fatalf("add(%x) = %v", w, known[w])
				}
				known[w] = true
			}
			if s.n != len(known) {
				t.Errorf("n = %d, want %d", s.n, len(known))
			}
			for w := range known {
				if !s.has(w) {
					t.Fatalf("%x is lost", w)
				}
			}
			if len(s.slots) > 0 && s.slots[len(s.slots)-1] != (word{}) {
				t.Errorf("no empty slot at the end")
			}
		})
	}
}

// TestSetSize holds the table to the bytes it promises, at every number of words.
func TestSetSize(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var s set
	for s.n < 200000 {
		s.add(word{r.Uint64(), r.Uint64()})
		if s.n >= 5000 {
			if per := float64(16*len(s.slots)) / float64(s.n); per > 22.9 {
				t.Fatalf("%.1f bytes a word at %d words", per, s.n)
			}
		}
	}
}

func TestZeroDigest(t *testing.T) {
	var s set
	w := Digest{}.word()
	if s.has(w) || !s.add(w) || s.add(w) || !s.has(w) {
		t.Error("the zero digest is not kept like any other")
	}
}
