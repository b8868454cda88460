package safehttp

import (
	"errors"
	"net/netip"
	"testing"
)

func TestJudge(t *testing.T) {
	for address, want := range map[string]standing{
		"8.8.8.8":              public,
		"1.1.1.1":              public,
		"100.63.255.255":       public,
		"100.128.0.0":          public,
		"172.15.255.255":       public,
		"172.32.0.0":           public,
		"192.169.0.1":          public,
		"223.255.255.255":      public,
		"2606:4700::1111":      public,
		"2a00:1450:4001::200e": public,
		"3ffe::1":              public,

		"127.0.0.1":       loopback,
		"127.255.255.255": loopback,
		"::1":             loopback,

		"10.0.0.1":        private,
		"10.255.255.255":  private,
		"172.16.0.1":      private,
		"172.31.255.255":  private,
		"192.168.1.1":     private,
		"100.64.0.1":      private,
		"100.127.255.255": private,
		"fc00::1":         private,
		"fdff:ffff::1":    private,

		"0.0.0.0":         never,
		"0.1.2.3":         never,
		"169.254.169.254": never,
		"169.254.0.1":     never,
		"168.63.129.16":   never,
		"100.100.100.200": never,
		"192.0.0.192":     never,
		"192.0.2.1":       never,
		"192.88.99.1":     never,
		"198.18.0.1":      never,
		"198.19.255.255":  never,
		"198.51.100.1":    never,
		"203.0.113.1":     never,
		"224.0.0.1":       never,
		"239.255.255.255": never,
		"240.0.0.1":       never,
		"255.255.255.255": never,
		"::":              never,
		"fe80::1":         never,
		"fe80::1%eth0":    never,
		"febf::1":         never,
		"fec0::1":         never,
		"ff02::1":         never,
		"fd00:ec2::254":   never,
		"fd20:ce::254":    never,
		"fd00:42::42":     never,
		"2001:db8::1":     never,
		"2001::1":         never, // Teredo
		"2001:20::1":      never, // ORCHIDv2
		"3fff::1":         never,
		"100::1":          never, // discarded
		"5f00::1":         never, // segment routing
		"4000::1":         never,
		"64:ff9b:1::1":    never, // NAT64 of a local network

		// IPv4 within IPv6.
		"::ffff:8.8.8.8":              public,
		"::ffff:127.0.0.1":            loopback,
		"::ffff:7f00:1":               loopback,
		"::ffff:10.0.0.1":             private,
		"::ffff:169.254.169.254":      never,
		"::ffff:0.0.0.0":              never,
		"64:ff9b::8.8.8.8":            public,
		"64:ff9b::127.0.0.1":          loopback,
		"64:ff9b::10.0.0.1":           private,
		"64:ff9b::169.254.169.254":    never,
		"::127.0.0.1":                 never, // IPv4-compatible, long gone
		"::ffff:0:127.0.0.1":          never, // SIIT
		"2002:7f00:1::1":              never, // 6to4
		"2002:808:808::1":             never,
		"2001:0:4136:e378:8000::1234": never,
	} {
		got, name := judge(netip.MustParseAddr(address))
		if got != want || name == "" {
			t.Errorf("%s: standing %d (%s), want %d", address, got, name, want)
		}
	}
	if got, _ := judge(netip.Addr{}); got != never {
		t.Errorf("no address at all: standing %d", got)
	}
}

func TestReach(t *testing.T) {
	for _, c := range []struct {
		reach   reach
		permits []standing
	}{
		{toPublic, []standing{public}},
		{toPrivate, []standing{public, private, loopback}},
		{toLoopback, []standing{loopback}},
		{99, nil},
	} {
		for s := never; s <= loopback+1; s++ {
			want := false
			for _, p := range c.permits {
				want = want || p == s
			}
			if c.reach.permits(s) != want {
				t.Errorf("reach %d permits standing %d: %t", c.reach, s, !want)
			}
		}
	}
}

func TestControl(t *testing.T) {
	for _, c := range []struct {
		network, address string
		good             bool
	}{
		{"tcp4", "8.8.8.8:443", true},
		{"tcp6", "[2606:4700::1111]:443", true},
		{"tcp4", "127.0.0.1:443", false},
		{"tcp6", "[::ffff:127.0.0.1]:443", false},
		{"tcp6", "[fe80::1%eth0]:443", false},
		{"udp4", "8.8.8.8:443", false},
		{"unix", "/run/docker.sock", false},
		{"tcp4", "example.com:443", false},
		{"tcp4", "", false},
	} {
		err := toPublic.control(c.network, c.address, nil)
		if c.good && err != nil || !c.good && !errors.Is(err, ErrBlocked) {
			t.Errorf("%s %s: %v", c.network, c.address, err)
		}
	}
}
