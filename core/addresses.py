"""Whose an IP address is, as far as limits go: one IPv6 host has a whole /64 to come from."""

from ipaddress import IPv6Address, IPv6Network, ip_address

SHARED_BITS = 64


def origin(address: str) -> str:
    """The address for IPv4, also where it is written as IPv6; the /64 network for IPv6; other words as they are."""
    try:
        found = ip_address(address.split("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Network((found, SHARED_BITS), strict=False))
