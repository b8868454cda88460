package main

const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
	bold   = "\x1b[1m"
	reset  = "\x1b[0m"
)

// painter returns what colours a text, and leaves it alone where there are to be no colours.
func painter(color bool) func(code, text string) string {
	return func(code, text string) string {
		if !color {
			return text
		}
		return code + text + reset
	}
}

// painter is painter for the standard output.
func (a *app) painter() func(code, text string) string { return painter(a.color(a.stdout)) }
