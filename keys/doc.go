// Package keys finds the public keys that others sign with, and loads and makes our own.
package keys
