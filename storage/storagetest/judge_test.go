package storagetest_test

import (
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/avouch-oauth/avouch/handle"
	"github.com/avouch-oauth/avouch/replay"
	"github.com/avouch-oauth/avouch/storage/storagetest"
)

// A judge who acquits everybody is worth nothing. The tests here run it on guards and stores of which each has one flaw,
// in a process of its own, and look for the test that must have failed.

const flawEnv = "AVOUCH_STORAGETEST_FLAW"

// convicts runs a test function of this binary with a flaw, and wants it to fail in a certain place.
func convicts(t *testing.T, function, flaw, where string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+function+"$/"+strings.ReplaceAll(where, "/", "$/")+"$")
	cmd.Env = append(os.Environ(), flawEnv+"="+flaw)
	out, err := cmd.CombinedOutput()
	if want := "--- FAIL: " + function + "/" + where + " ("; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("with the flaw %q the judge does not say %q (%v):\n%s", flaw, want, err, out)
	}
}

func TestFlawedGuard(t *testing.T) {
	storagetest.RunGuard(t, func(testing.TB) replay.Guard { return newGuard(os.Getenv(flawEnv)) })
}

func TestFlawedHandles(t *testing.T) {
	storagetest.RunHandles(t, func(testing.TB) handle.Store { return newHandles(os.Getenv(flawEnv)) })
}

// TestFlawedStore, without a flaw, acquits the store in which the flaws are. How that store fares in the long run is not
// asked here: package sqlite asks it of its own.
func TestFlawedStore(t *testing.T) {
	if os.Getenv(flawEnv) == "" {
		was := flag.Lookup("test.short").Value.String()
		defer flag.Set("test.short", was)
		if err := flag.Set("test.short", "true"); err != nil {
			t.Fatal(err)
		}
	}
	storagetest.Run(t, stores(os.Getenv(flawEnv)))
}

// TestJudge names every flaw, and the test that finds it.
func TestJudge(t *testing.T) {
	if os.Getenv(flawEnv) != "" {
		t.Skip("this is the other process")
	}
	for flaw, where := range map[string]string{
		"asks and marks later":                "Race",
		"keeps for a minute":                  "KeptUntil",
		"rounds the end down":                 "KeptUntil",
		"takes Until for a part of the key":   "WhateverUntil",
		"joins the fields":                    "Unique",
		"folds case":                          "Unique",
		"forgets the purpose":                 "Unique",
		"cuts long ids":                       "Unique",
		"looks at its own clock":              "Over",
		"passes what is over":                 "Over",
		"forgets when the clock is set back":  "ClockSetBack",
		"spends one after the other":          "AllOrNothing",
		"does not compare within a call":      "TwiceInOneCall",
		"lets anybody be the holder":          "Holder",
		"lets the holder come once":           "Holder",
		"lets a holder in after somebody":     "Holder",
		"keeps a holder to the first end":     "HolderLater",
		"says replayed of everything":         "Many",
		"says replayed of what it cannot say": "Over",
		"says some error of a replay":         "Once",
		"goes on when the context has ended":  "Canceled",
		"refuses at random":                   "Model",
		"passes at random":                    "Model",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			convicts(t, "TestFlawedGuard", flaw, where)
		})
	}
	for flaw, where := range map[string]string{
		"asks before it puts":                "Race",
		"overwrites":                         "New",
		"confuses its errors":                "Revision",
		"ignores revisions":                  "Revision",
		"keeps the revision":                 "Revision",
		"makes what it is to replace":        "Revision",
		"keeps the first end":                "Revision",
		"forgets the kind of a handle":       "Unique",
		"folds the case of kinds":            "Unique",
		"compares half a digest":             "Unique",
		"takes a digest for text":            "Unique",
		"looks at its own clock":             "Expires",
		"rounds now to seconds":              "Expires",
		"gives what expires now":             "Expires",
		"gives what has expired":             "Expires",
		"takes data for text":                "Data",
		"cuts long data":                     "Data",
		"keeps whatever it is given":         "Refused",
		"says an error for nothing":          "New",
		"shares memory":                      "Apart",
		"goes on when the context has ended": "Canceled",
		"sweeps too much":                    "Sweep",
		"sweeps all revocations":             "Sweep",
		"folds the case of ids":              "RevokeIDs",
		"cuts long ids":                      "RevokeIDs",
		"takes ids for C strings":            "RevokeIDs",
		"revokes the first only":             "Revoke",
		"revokes for ever":                   "Revoke",
		"wants all to be revoked":            "Revoke",
		"keeps the first revocation":         "RevokeLatest",
		"keeps the last revocation":          "RevokeLatest",
		"lets others in while it revokes":    "RevokeRace",
		"ignores what has passed":            "RevokeClockAhead",
		"drops what has ended":               "RevokeClockAhead",
		"drops what ends soon":               "RevokeForgotten",
		"takes each sweep for a loss":        "RevokeClockAhead",
		"forgets what it has dropped":        "RevokeForgotten",
		"is in doubt for ever":               "RevokeForgotten",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			convicts(t, "TestFlawedHandles", flaw, where)
		})
	}
	for flaw, where := range map[string]string{
		"has its handles in memory":       "SharedHandles/TwoProcesses",
		"forgets handles at a restart":    "SharedHandles/Restart",
		"puts handles later":              "SharedHandles/Killed",
		"counts handles as changes":       "Records/Change",
		"finds nothing when it is closed": "SharedHandles/Closed",
		"caches revocations":              "SharedHandles/TwoHandles",
		"has its losses in memory":        "SharedHandles/Restart",
		"has its guard in memory":         "SharedGuard/TwoProcesses",
		"forgets uses at a restart":       "SharedGuard/Restart",
		"answers before it writes":        "SharedGuard/Killed",
		"passes when it is closed":        "SharedGuard/Closed",
		"says nothing when it is closed":  "Records/Closed",
		"keeps seconds":                   "Records/Client/RoundTrip",
		"takes empty for nil":             "Records/Rule/RoundTrip",
		"tidies JSON up":                  "Records/Issuer/RoundTrip",
		"finds by any case":               "Records/Client/NotFound",
		"returns nil for nothing":         "Records/Rule/NotFound",
		"ignores revisions":               "Records/Rule/Revision",
		"lists backwards":                 "Records/Rule/Names",
		"commits what has failed":         "Records/Rollback",
		"does not count changes":          "Records/Change",
		"counts first uses as changes":    "Records/Change",
		"turns LastUsed back":             "Records/TouchKeys",
		"turns over too large a page":     "Records/Pages",
		"views what is there now":         "Records/View",

		"appends later":                       "Log/Killed",
		"appends whatever comes of it":        "Log/Rollback",
		"numbers the whole store":             "Log/Numbers",
		"gives numbers again":                 "Log/Drop",
		"counts what was rolled back":         "Log/Numbers",
		"folds the case of labels":            "Log/Labels",
		"takes any text for a label":          "Log/Refused",
		"looks for one label only":            "Log/Queries",
		"ignores Until with a label":          "Log/Queries",
		"leaves out what is as old as Since":  "Log/Bounds",
		"takes Until as the last":             "Log/Bounds",
		"takes After as the first":            "Log/Bounds",
		"lists one entry too many":            "Log/Bounds",
		"lists everything without a limit":    "Log/Bounds",
		"sorts entries by time":               "Log/Queries",
		"tidies the data of entries up":       "Log/RoundTrip",
		"keeps seconds of entries":            "Log/RoundTrip",
		"drops one portion":                   "Log/Drop",
		"drops every log":                     "Log/Drop",
		"drops what is as old as that":        "Log/Drop",
		"counts drops as changes":             "Log/Drop",
		"says nothing of what it drops":       "Log/Drop",
		"forgets revocations in transactions": "Log/Revoke",
		"revokes whatever comes of it":        "Log/Revoke",
		"revokes until the end of time":       "Log/Revoke",
		"finds no entries when it is closed":  "Records/Closed",
	} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			convicts(t, "TestFlawedStore", flaw, where)
		})
	}
}
