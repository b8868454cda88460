package main

import (
	"io/fs"
	"log/slog"
	"os"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// warnOfReaders tells which files with keys everybody on this machine can read.
func warnOfReaders(conf config.Config, log *slog.Logger) {
	for _, f := range []struct{ key, path string }{
		{"seal.keyfile", conf.Seal.Keyfile}, {"seal.previousfile", conf.Seal.Previousfile}, {"tls.key", conf.TLS.Key},
		{"signin.secretfile", conf.SignIn.Secretfile}, {"signin.keyfile", conf.SignIn.Keyfile}, {"store.path", conf.Store.Path}, {"the seal key of --dev", devSealFile(conf)},
	} {
		if f.path == "" {
			continue
		}
		if info, err := os.Stat(f.path); err == nil && info.Mode().Perm()&othersRead != 0 {
			log.Warn("a file with keys can be read by everybody on this machine; make it the server's own: chmod 600",
				"key", f.key, "file", f.path, "mode", info.Mode().Perm().String())
		}
	}
}

const othersRead fs.FileMode = 0o004
