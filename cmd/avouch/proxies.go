package main

import (
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/avouch-oauth/avouch/cmd/avouch/internal/config"
)

// maxForwarded bounds how many proxies one behind the other are followed.
const maxForwarded = 16

// callersBehind gives each request the address of its caller where it comes through a proxy that is trusted, and leaves
// all others as they are. Nothing else is believed of what proxies say: not the host, and not the scheme.
func callersBehind(proxies []netip.Prefix, next http.Handler) http.Handler {
	if len(proxies) == 0 {
		return next
	}
	trusted := func(address netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(network netip.Prefix) bool { return network.Contains(address) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err == nil && trusted(plainAddress(peer.Addr())) {
			if caller, ok := forwardedFor(r.Header["X-Forwarded-For"], trusted); ok {
				r = r.WithContext(r.Context()) // a copy
				r.RemoteAddr = caller.String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedFor is the caller by what proxies have said. Each adds the address it sees on the right, so from the right the
// first that is no trusted proxy is the caller: what stands left of it he may have written himself, and nobody looks at
// it. Where all are trusted the leftmost is, being one of them. ok is false where there is nothing, or something other
// than an address: the address of the connection is true at any rate.
func forwardedFor(headers []string, trusted func(netip.Addr) bool) (caller netip.AddrPort, ok bool) {
	followed := 0
	for _, header := range slices.Backward(headers) {
		for more := true; more; followed++ {
			if followed == maxForwarded {
				return netip.AddrPort{}, false
			}
			entry := header
			comma := strings.LastIndexByte(header, ',')
			if more = comma >= 0; more {
				header, entry = header[:comma], header[comma+1:]
			}
			if caller, ok = readForwarded(strings.Trim(entry, " \t")); !ok || !trusted(caller.Addr()) {
				return caller, ok
			}
		}
	}
	return caller, ok
}

// readForwarded reads an address as proxies write them: with a port or without, IPv6 in brackets or without. The port is
// 0 where none is said.
func readForwarded(entry string) (netip.AddrPort, bool) {
	if len(entry) > len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%zone-of-16-bytes]:65535") {
		return netip.AddrPort{}, false
	}
	if whole, err := netip.ParseAddrPort(entry); err == nil {
		return netip.AddrPortFrom(plainAddress(whole.Addr()), whole.Port()), true
	}
	if inside, bracketed := strings.CutPrefix(entry, "["); bracketed {
		if entry, bracketed = strings.CutSuffix(inside, "]"); !bracketed || !strings.Contains(entry, ":") {
			return netip.AddrPort{}, false
		}
	}
	address, err := netip.ParseAddr(entry)
	return netip.AddrPortFrom(plainAddress(address), 0), err == nil
}

// plainAddress is an address in the one form in which it is compared: IPv4 where it is one, and without a zone, which
// names an interface of another machine.
func plainAddress(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

// warnOfProxy tells of a proxy that nobody has named.
func warnOfProxy(conf config.Config, log *slog.Logger) {
	if conf.TLS.Cert == "" && strings.HasPrefix(conf.Issuer, "https:") && len(conf.Proxies) == 0 {
		log.Warn("a proxy ends TLS, and proxies is empty: all callers share its address, and with it every limit by address",
			"hint", "name the addresses of the proxy in proxies, and let it set X-Forwarded-For")
	}
}
