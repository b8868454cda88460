package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress draws a bar on a terminal for work that takes longer than a moment; elsewhere it is silent.
type progress struct {
	w     io.Writer
	label string
	total int
	start time.Time
	drawn time.Time
}

// newProgress returns nil where w is no terminal: all methods of a nil progress do nothing.
func newProgress(w io.Writer, label string, total int) *progress {
	if !isTerminal(w) {
		return nil
	}
	return &progress{w: w, label: label, total: total, start: time.Now()}
}

// to shows that done of total are done. It draws ten times a second at the most.
func (p *progress) to(done int) {
	if p == nil || time.Since(p.drawn) < 100*time.Millisecond && done < p.total {
		return
	}
	p.drawn = time.Now()
	const width = 30
	filled := 0
	if p.total > 0 {
		filled = min(width, done*width/p.total)
	}
	left := ""
	if spent := time.Since(p.start); done > 0 && done < p.total && spent > time.Second {
		left = " " + (spent * time.Duration(p.total-done) / time.Duration(done)).Round(time.Second).String() + " left"
	}
	fmt.Fprintf(p.w, "\r%s [%s%s] %d/%d%s\x1b[K", p.label, strings.Repeat("=", filled), strings.Repeat(" ", width-filled), done, p.total, left)
}

// done ends the line of the bar.
func (p *progress) done() {
	if p != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
