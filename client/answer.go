package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/avouch-oauth/avouch/internal/strictjson"
)

// readToken reads a successful token response (RFC 6749 §5.1). The other members are kept for Token.Extra.
func readToken(object *strictjson.Object, body []byte, asked time.Time) (*oauth2.Token, error) {
	access, ok := object.Get("access_token").Text()
	if !ok || access == "" {
		return nil, errors.New("access_token is missing, empty, or no string")
	}
	for i := range len(access) {
		if access[i] <= ' ' || access[i] > '~' { // RFC 6749 appendix A.12; it goes into a header
			return nil, errors.New("access_token holds a character that access tokens cannot have")
		}
	}
	kind, _ := object.Get("token_type").Text()
	if !strings.EqualFold(kind, "Bearer") { // RFC 6749 §7.1: not understood, not used
		return nil, fmt.Errorf("token_type is %.40q, and this client can use Bearer tokens only", kind)
	}
	life, known, err := seconds(object.Get("expires_in"))
	if err != nil {
		return nil, fmt.Errorf("expires_in %w", err)
	}
	t := &oauth2.Token{AccessToken: access, TokenType: "Bearer"}
	t.RefreshToken, _ = object.Get("refresh_token").Text()
	if known {
		t.ExpiresIn = life
		t.Expiry = asked.Add(time.Duration(life) * time.Second)
	}
	var extra map[string]any
	if err := json.Unmarshal(body, &extra); err != nil {
		return nil, err
	}
	return t.WithExtra(extra), nil
}

// seconds reads expires_in: a number, or, from some servers, the digits in a string. known is false where it is absent
// or null.
func seconds(v strictjson.Value) (n int64, known bool, err error) {
	digits := string(v.Raw())
	switch v.Kind() {
	case strictjson.Absent, strictjson.Null:
		return 0, false, nil
	case strictjson.Number:
	case strictjson.String:
		digits, _ = v.Text()
	default:
		return 0, false, errors.New("is neither a number nor a string")
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(f) || f < 0 {
		return 0, false, fmt.Errorf("is %.40q, which is no number of seconds", digits)
	}
	return int64(min(f, math.MaxInt32)), true, nil
}
