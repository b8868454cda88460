package grant

// What the tests of user codes look at.
var (
	NewUserCode   = newUserCode
	ReadUserCode  = readUserCode
	ShownUserCode = shownUserCode
)

// Guesses is who guesses user codes.
type Guesses = guesses

// Take is take, GiveBack giveBack, and Known how many guessers are known.
var (
	Take     = (*guesses).take
	GiveBack = (*guesses).giveBack
)

func (g *guesses) Known() int { return len(g.of) }

// Pace is how often devices ask.
type Pace = pace

// TooFast is tooFast, and Known how many device codes are known.
var TooFast = (*pace).tooFast

func (p *pace) Known() int { return len(p.of) }
