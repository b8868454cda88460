package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// TrustedProxies are the networks of the proxies that are trusted, one for each address too. It tells all faults at once.
func (c *Config) TrustedProxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	var faults []error
	for _, text := range c.Proxies {
		network, err := readNetwork(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("proxies: %.100q %w", text, err))
			continue
		}
		networks = append(networks, network)
	}
	return networks, errors.Join(faults...)
}

// readNetwork reads an address or a network. A network that holds everybody would let everybody write his own address,
// and an address with bits behind its network is a slip of which nobody knows which way it went.
func readNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, errors.New("is neither an address such as 10.1.2.3 nor a network such as 10.1.2.0/24")
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil || network.Addr().Is4In6():
		return netip.Prefix{}, errors.New("is neither an address such as 10.1.2.3 nor a network such as 10.1.2.0/24")
	case network.Bits() == 0:
		return netip.Prefix{}, errors.New("is every address there is: each caller could write his own")
	case network != network.Masked():
		return netip.Prefix{}, fmt.Errorf("has bits behind its network; did you mean %s?", network.Masked())
	}
	return network, nil
}
