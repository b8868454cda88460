// Package remote says where a request comes from, and bounds what comes from one place: one rule for the secrets of
// clients, the codes of devices, registrations and sign-ins.
package remote

import "net/netip"

// Network is the IPv4 address or the IPv6 /64 of http.Request.RemoteAddr: what one caller has many of is one. What is no
// address and port, as with a Unix socket, is returned as it is. Headers are not looked at; a program behind a proxy sets
// RemoteAddr.
func Network(remoteAddr string) string {
	from, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return remoteAddr
	}
	address := from.Addr().Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String()
}
