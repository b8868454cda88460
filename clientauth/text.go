package clientauth

import "strconv"

// quote makes a stranger's text fit for reports and logs.
func quote(s string) string { return strconv.QuoteToASCII(cut(s)) }
