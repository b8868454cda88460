package endpoint

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/avouch-oauth/avouch/internal/safehttp"
	"github.com/avouch-oauth/avouch/internal/urlcheck"
)

// checkHost refuses a URL whose host is, by its name, within somebody's network.
func checkHost(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("it cannot be read as a URL")
	}
	if err := urlcheck.Authority(u); err != nil {
		return err
	}
	if safehttp.InsideName(u.Hostname()) {
		return errors.New("its host is the name of something inside a network; it must be a public one")
	}
	return nil
}

// checkTextOf checks a member by its name: those that end in _uri are for a browser to go to, and never fetched here.
func checkTextOf(name, text string) error {
	if !strings.HasSuffix(name, "_uri") {
		return checkText(text)
	}
	if err := urlcheck.Readable(text); err != nil {
		return err
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it cannot be read as a URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("it is not an https or http URL")
	case u.User != nil:
		return errors.New("it has a user or password in it")
	}
	return urlcheck.Authority(u)
}

// checkText says why a text is not fit to be shown to people: what cannot be seen, or turns round what stands beside it,
// makes one name look like another.
func checkText(text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxText:
		return fmt.Errorf("it is longer than %d characters", maxText)
	case strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) // bidi controls are not graphic
	}):
		return errors.New("it has control or invisible characters")
	case text != strings.TrimSpace(text):
		return errors.New("it begins or ends with white space")
	}
	return nil
}
