package safehttp

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrBlocked means that an address is one that must not be dialled.
var ErrBlocked = errors.New("address not allowed")

// standing is what kind of address one is. The zero value is never dialled.
type standing byte

const (
	never standing = iota
	public
	private
	loopback
)

// special are the networks that are not public (IANA's registries of special-purpose addresses, RFC 6890), the most
// particular ones first. IPv6 outside 2000::/3 is never dialled where it is not in the list.
var special = [...]struct {
	prefix   netip.Prefix
	standing standing
	name     string
}{
	// Metadata services of clouds that do not lie in link-local networks. They hand out credentials to whoever asks.
	{netip.MustParsePrefix("168.63.129.16/32"), never, "a metadata service"},
	{netip.MustParsePrefix("100.100.100.200/32"), never, "a metadata service"},
	{netip.MustParsePrefix("fd00:ec2::/32"), never, "a metadata service"},
	{netip.MustParsePrefix("fd20:ce::254/128"), never, "a metadata service"},
	{netip.MustParsePrefix("fd00:42::42/128"), never, "a metadata service"},

	{netip.MustParsePrefix("127.0.0.0/8"), loopback, "loopback"},
	{netip.MustParsePrefix("::1/128"), loopback, "loopback"},

	{netip.MustParsePrefix("10.0.0.0/8"), private, "private"},
	{netip.MustParsePrefix("172.16.0.0/12"), private, "private"},
	{netip.MustParsePrefix("192.168.0.0/16"), private, "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), private, "private (shared by a carrier, RFC 6598)"},
	{netip.MustParsePrefix("fc00::/7"), private, "private (unique local)"},

	{netip.MustParsePrefix("0.0.0.0/8"), never, "unspecified"},
	{netip.MustParsePrefix("169.254.0.0/16"), never, "link-local"},
	{netip.MustParsePrefix("192.0.0.0/24"), never, "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), never, "for documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), never, "a 6to4 relay"},
	{netip.MustParsePrefix("198.18.0.0/15"), never, "for benchmarks"},
	{netip.MustParsePrefix("198.51.100.0/24"), never, "for documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), never, "for documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), never, "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), never, "broadcast"},
	{netip.MustParsePrefix("240.0.0.0/4"), never, "reserved"},

	{netip.MustParsePrefix("::/128"), never, "unspecified"},
	{netip.MustParsePrefix("fe80::/10"), never, "link-local"},
	{netip.MustParsePrefix("fec0::/10"), never, "site-local"},
	{netip.MustParsePrefix("ff00::/8"), never, "multicast"},
	{netip.MustParsePrefix("2001::/23"), never, "reserved for protocols"}, // Teredo is among them
	{netip.MustParsePrefix("2001:db8::/32"), never, "for documentation"},
	{netip.MustParsePrefix("3fff::/20"), never, "for documentation"},
	{netip.MustParsePrefix("2002::/16"), never, "6to4"}, // it would carry any IPv4 address
}

var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 §2.1
)

// judge says what kind of address ip is, and in words. An IPv4 address within an IPv6 one is judged by itself where
// networks make use of that; other such forms are never dialled.
func judge(ip netip.Addr) (standing, string) {
	if ip.Zone() != "" {
		return never, "of one link only"
	}
	ip = ip.Unmap()
	if nat64.Contains(ip) {
		all := ip.As16()
		return judge(netip.AddrFrom4([4]byte(all[12:])))
	}
	for i := range special {
		if special[i].prefix.Contains(ip) {
			return special[i].standing, special[i].name
		}
	}
	if ip.Is4() || global.Contains(ip) {
		return public, "public"
	}
	return never, "of no public network"
}

// reach is how far connections may go.
type reach byte

const (
	toPublic reach = iota
	toPrivate
	toLoopback
)

func (r reach) permits(s standing) bool {
	switch r {
	case toPublic:
		return s == public
	case toPrivate:
		return s == public || s == private || s == loopback
	case toLoopback:
		return s == loopback
	}
	return false
}

// check refuses an address beyond reach.
func (r reach) check(ip netip.Addr) error {
	standing, name := judge(ip)
	switch {
	case r.permits(standing):
		return nil
	case standing == never:
		return fmt.Errorf("%w: %s is %s and never dialled", ErrBlocked, ip, name)
	case r == toLoopback:
		return fmt.Errorf("%w: %s is %s, and http is for loopback only: use https", ErrBlocked, ip, name)
	}
	return fmt.Errorf("%w: %s is %s: use a public address, or allow private addresses for this source", ErrBlocked, ip, name)
}

// control looks at the address of a socket that is about to be connected. Whatever a name resolves to, and however
// often it is asked, each connection comes by here.
func (r reach) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("%w: network %s", ErrBlocked, network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %.64q is no address", ErrBlocked, address)
	}
	return r.check(to.Addr())
}
