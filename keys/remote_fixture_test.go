package keys_test

import (
	"encoding/base64"
	"io"
	"log/slog"
)

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
