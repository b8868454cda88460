// Package trust says whose assertions are believed, and what they are worth.
package trust
