package replay_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/avouch-oauth/avouch/replay"
)

// An assertion passes once, and the same one again does not.
func ExampleMemory() {
	guard := replay.NewMemory(replay.MemoryConfig{})

	now := time.Now()
	use := replay.Use{
		Purpose: "grant",
		Party:   "https://idp.partner.example", // iss
		ID:      "9f3c",                        // jti
		Until:   now.Add(5*time.Minute + 120*time.Second),
		Issued:  now,
	}
	for range 2 {
		err := guard.FirstUse(context.Background(), now, use)
		if used, ok := errors.AsType[*replay.ReplayedError](err); ok {
			fmt.Println("refuse:", used.Use.ID, "was used before")
		} else if err != nil {
			fmt.Println("try again later:", err)
		} else {
			fmt.Println("pass")
		}
	}
	// Output:
	// pass
	// refuse: 9f3c was used before
}

// Where a client must authenticate, it may present its grant again until the grant expires, and nobody else may.
func ExampleUse_holder() {
	guard := replay.NewMemory(replay.MemoryConfig{})

	now := time.Now()
	for _, client := range []string{"agent", "agent", "thief"} {
		err := guard.FirstUse(context.Background(), now, replay.Use{
			Purpose: "grant",
			Party:   "https://idp.partner.example",
			ID:      "9f3c",
			Until:   now.Add(time.Hour),
			Holder:  client,
		})
		fmt.Println(client, err == nil)
	}
	// Output:
	// agent true
	// agent true
	// thief false
}
