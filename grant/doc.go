// Package grant has the grants that Avouch comes with.
package grant
