// Package avouchtest is for tests of programs that use Avouch.
//
// [RunGrant] judges a grant of yours: whether a dry run of it changes nothing, whether a request that is refused uses
// nothing up, and whether what may be used once is used once.
package avouchtest
