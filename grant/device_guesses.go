package grant

import (
	"sync"
	"time"
)

// Wrong user codes are taken at this rate (RFC 8628 §5.1): from one address 20 at once and one more every 10 s, from all
// together 1000 at once and one more every second. In the ten minutes of a code that is 80 guesses, or 1600, at one in
// 2.56*10^10.
const (
	guessesOfAddress = 20
	everyOfAddress   = 10 * time.Second
	guessesInTotal   = 1000
	everyInTotal     = time.Second

	maxGuessers = 1 << 13
)

// guesses slows down who guesses user codes. The zero value is ready for use.
type guesses struct {
	mu    sync.Mutex
	total guesser
	of    map[string]guesser
}

// guesser is how many guesses had been used up at a moment.
type guesser struct {
	used float64
	at   time.Time
}

func (g guesser) usedAt(now time.Time, every time.Duration) float64 {
	return max(g.used-float64(max(now.Sub(g.at), 0))/float64(every), 0)
}

// take takes a guess before anybody knows whether it is right, so that many at the same moment are not one. It returns
// how long to wait where none is left, and takes none then.
func (g *guesses) take(now time.Time, network string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	own, total := g.of[network].usedAt(now, everyOfAddress), g.total.usedAt(now, everyInTotal)
	wait = max(
		time.Duration((own-guessesOfAddress+1)*float64(everyOfAddress)),
		time.Duration((total-guessesInTotal+1)*float64(everyInTotal)),
		0)
	if wait > 0 {
		return wait
	}
	if g.of == nil {
		g.of = map[string]guesser{}
	}
	if _, known := g.of[network]; !known {
		g.makeRoom(now)
	}
	g.of[network], g.total = guesser{own + 1, now}, guesser{total + 1, now}
	return 0
}

// giveBack gives back a guess that was right, or that could not be tried.
func (g *guesses) giveBack(network string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if own, known := g.of[network]; known {
		if own.used--; own.used > 0 {
			g.of[network] = own
		} else {
			delete(g.of, network)
		}
	}
	g.total.used = max(g.total.used-1, 0)
}

// makeRoom keeps the table bounded: who has not guessed for a while goes. The total sees to it that those who have are
// few, so that most go.
func (g *guesses) makeRoom(now time.Time) {
	if len(g.of) < maxGuessers {
		return
	}
	for network, of := range g.of {
		if of.usedAt(now, everyOfAddress) == 0 {
			delete(g.of, network)
		}
	}
}
