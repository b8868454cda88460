package strictjson

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// fewNames is the number of members of one object up to which names are compared one by one. Beyond it a map keeps the
// cost of an object linear in its length, whoever wrote it.
const fewNames = 32

// scanner walks over one document. Recursion is bounded by MaxDepth.
type scanner struct {
	data  []byte
	at    int
	depth int

	// names of the members of all objects that are open, the innermost last. The first ones are an array, so that an
	// ordinary document needs nothing on the heap.
	named int
	few   [fewNames]name
	more  []name
}

type name struct {
	span
	escaped bool
}

// scan checks that data is one object and puts its members into o.
func scan(data []byte, o *Object) error {
	if len(data) > MaxSize {
		return &Error{Offset: MaxSize, Reason: "longer than 16 MiB"}
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return &Error{Reason: "begins with a byte order mark"}
	}
	s := scanner{data: data}
	s.space()
	if s.peek() != '{' {
		return s.fault("an object was expected")
	}
	if err := s.object(o); err != nil {
		return err
	}
	s.space()
	if s.at < len(data) {
		return s.fault("text after the end of the object")
	}
	return nil
}

// elements walks over the elements of an array that has been scanned before.
func elements(array []byte, yield func(Value) bool) {
	s := scanner{data: array, at: 1}
	for s.space(); s.peek() != ']'; s.space() {
		start := s.at
		kind, escaped, err := s.value()
		if err != nil || !yield(Value{raw: array[start:s.at:s.at], kind: kind, escaped: escaped}) {
			return
		}
		s.space()
		if s.peek() == ',' {
			s.at++
		}
	}
}

func (s *scanner) fault(reason string) error { return &Error{Offset: s.at, Reason: reason} }

// peek returns the next byte, or 0 at the end. A NUL in the document is no byte that is ever wanted.
func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// value scans the value that begins here.
func (s *scanner) value() (kind Kind, escaped bool, err error) {
	switch c := s.peek(); {
	case c == '"':
		escaped, err = s.str()
		return String, escaped, err
	case c == '{':
		return ObjectKind, false, s.object(nil)
	case c == '[':
		return Array, false, s.array()
	case c == '-' || '0' <= c && c <= '9':
		return Number, false, s.number()
	case c == 't':
		return Bool, false, s.literal("true")
	case c == 'f':
		return Bool, false, s.literal("false")
	case c == 'n':
		return Null, false, s.literal("null")
	case s.at == len(s.data):
		return Absent, false, s.fault("it ends too early")
	}
	return Absent, false, s.fault("a value was expected")
}

// object scans an object. Where keep is not nil, its members go there.
func (s *scanner) object(keep *Object) error {
	if s.depth++; s.depth > MaxDepth {
		return s.fault("nested too deeply")
	}
	s.at++ // {
	first := s.named
	var many map[string]struct{}
	s.space()
	if s.peek() == '}' {
		s.at++
		s.depth--
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.fault("a member name was expected")
		}
		start := s.at
		escaped, err := s.str()
		if err != nil {
			return err
		}
		n := name{span{uint32(start + 1), uint32(s.at - 1)}, escaped}
		if many, err = s.unique(n, first, many); err != nil {
			return err
		}
		s.space()
		if s.peek() != ':' {
			return s.fault("a colon was expected")
		}
		s.at++
		s.space()
		start = s.at
		kind, escaped, err := s.value()
		if err != nil {
			return err
		}
		if keep != nil {
			keep.add(member{n.span, span{uint32(start), uint32(s.at)}, n.escaped, escaped, kind})
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
			s.space()
		case '}':
			s.at++
			s.depth--
			s.forget(first)
			return nil
		default:
			return s.fault("a comma or a closing brace was expected")
		}
	}
}

// unique refuses n where the object whose names begin at first has it already, and remembers it. many holds the names
// of an object that has more than a few.
func (s *scanner) unique(n name, first int, many map[string]struct{}) (map[string]struct{}, error) {
	known := false
	switch {
	case many != nil:
		_, known = many[s.text(n)]
	case s.named-first < fewNames:
		for i := first; i < s.named && !known; i++ {
			known = s.same(s.nameAt(i), &n)
		}
	default:
		many = make(map[string]struct{}, 4*fewNames)
		for i := first; i < s.named; i++ {
			many[s.text(*s.nameAt(i))] = struct{}{}
		}
		_, known = many[s.text(n)]
	}
	if known {
		t := s.text(n)
		return nil, &Error{Offset: int(n.start) - 1, Reason: "the name " + strconv.QuoteToASCII(t[:min(len(t), 32)]) + " is given twice"}
	}
	if many != nil {
		many[s.text(n)] = struct{}{}
	} else {
		s.remember(n)
	}
	return many, nil
}

func (s *scanner) nameAt(i int) *name {
	if i < fewNames {
		return &s.few[i]
	}
	return &s.more[i-fewNames]
}

func (s *scanner) remember(n name) {
	if s.named < fewNames {
		s.few[s.named] = n
	} else {
		s.more = append(s.more, n)
	}
	s.named++
}

// forget drops the names of an object that is closed.
func (s *scanner) forget(first int) {
	s.named = first
	s.more = s.more[:max(0, first-fewNames)]
}

func (s *scanner) same(a, b *name) bool {
	if a.escaped || b.escaped {
		return s.text(*a) == s.text(*b)
	}
	return a.end-a.start == b.end-b.start && string(a.of(s.data)) == string(b.of(s.data))
}

func (s *scanner) text(n name) string { return text(n.of(s.data), n.escaped) }

func (s *scanner) array() error {
	if s.depth++; s.depth > MaxDepth {
		return s.fault("nested too deeply")
	}
	s.at++ // [
	s.space()
	if s.peek() == ']' {
		s.at++
		s.depth--
		return nil
	}
	for {
		if _, _, err := s.value(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.at++
			s.space()
		case ']':
			s.at++
			s.depth--
			return nil
		default:
			return s.fault("a comma or a closing bracket was expected")
		}
	}
}

func (s *scanner) literal(word string) error {
	if !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		return s.fault("a value was expected")
	}
	s.at += len(word)
	return nil
}

// number scans a number (RFC 8259 §6).
func (s *scanner) number() error {
	start := s.at
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.peek() == '.' {
		s.at++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.at-start > MaxNumber {
		s.at = start
		return s.fault("a number is longer than " + strconv.Itoa(MaxNumber) + " bytes")
	}
	return nil
}

// digits scans one digit or more.
func (s *scanner) digits() error {
	start := s.at
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.at++
	}
	if s.at == start {
		return s.fault("a digit was expected")
	}
	return nil
}

// plain tells the bytes that stand for themselves in a string: ASCII without control characters, quote and backslash.
// It is never written to.
var plain = func() (table [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// str scans a string (RFC 8259 §7) and tells whether it holds an escape.
func (s *scanner) str() (escaped bool, err error) {
	data := s.data
	i := s.at + 1
	for i < len(data) {
		switch c := data[i]; {
		case plain[c]:
			i++
		case c == '"':
			s.at = i + 1
			return escaped, nil
		case c == '\\':
			n, reason := escape(data[i:])
			if n == 0 {
				s.at = i
				return false, s.fault(reason)
			}
			escaped = true
			i += n
		case c < ' ':
			s.at = i
			return false, s.fault("a control character in a string")
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				s.at = i
				return false, s.fault("not UTF-8")
			}
			i += n
		}
	}
	s.at = i
	return false, s.fault("it ends within a string")
}
