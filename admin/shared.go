package admin

// shared is what all copies of an Admin have in common.
type shared struct{}
