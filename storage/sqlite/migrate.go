package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID says in the header of a file that it is ours; the first migration writes it.
const applicationID = 1096176456 // "AVCH"

// migrate brings the database to the version of this binary. It refuses a newer one: it might hold a condition that this
// binary does not know and would not keep.
func migrate(ctx context.Context, path string) error {
	ctx = context.WithoutCancel(ctx) // a migration is not left halfway
	db, err := sql.Open("sqlite", source(path, "_busy_timeout="+milliseconds(busyTimeout), "_journal_mode=WAL", "_synchronous=FULL"))
	if err != nil {
		return fmt.Errorf("storage/sqlite: %w", err)
	}
	defer db.Close()

	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("storage/sqlite: open %s: %w", path, err)
	}
	if mode != "wal" {
		return fmt.Errorf("storage/sqlite: %s cannot have a write-ahead log (its journal mode is %s); put it on a local file system", path, mode)
	}
	var id, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("storage/sqlite: open %s: %w", path, err)
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'").Scan(&tables); err != nil {
		return fmt.Errorf("storage/sqlite: open %s: %w", path, err)
	}
	if id != applicationID && tables > 0 {
		return fmt.Errorf("storage/sqlite: %s is a database of another program; name another file", path)
	}

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// Two processes that start at once may both try; one of them fails, and then finds that it is done.
	var failed error
	for range 10 {
		p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithVerbose(false))
		if err != nil {
			return fmt.Errorf("storage/sqlite: %w", err)
		}
		current, target, err := p.GetVersions(ctx)
		switch {
		case err != nil:
			failed = err
		case current > target:
			return fmt.Errorf("storage/sqlite: %s was written by a newer avouch (version %d of the database; this one knows %d): use that one, or restore a backup", path, current, target)
		case current == target:
			return nil
		default:
			_, failed = p.Up(ctx)
		}
		if failed != nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if failed == nil {
		failed = errors.New("it does not come to an end")
	}
	return fmt.Errorf("storage/sqlite: bring %s up to date: %w", path, failed)
}
