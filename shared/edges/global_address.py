"""Which addresses are global unicast: what everybody can reach, and nobody reaches us by.

Spelled out rather than `ipaddress`'s `is_global`, whose meaning differs between Python versions.
Source: IANA's special-purpose address registries for IPv4 and IPv6.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_GLOBAL_V6: Final = ip_network("2000::/3")
"""Outside it lie loopback, link-local, unique local, multicast, mapped IPv4 and NAT64."""
_NOT_GLOBAL: Final = (
    ip_network("0.0.0.0/8"),  # this network
    ip_network("10.0.0.0/8"),  # private
    ip_network("100.64.0.0/10"),  # shared by carriers' NAT
    ip_network("127.0.0.0/8"),  # loopback
    ip_network("169.254.0.0/16"),  # link-local, with the metadata servers of the clouds
    ip_network("172.16.0.0/12"),  # private
    ip_network("192.0.0.0/24"),  # protocol assignments
    ip_network("192.0.2.0/24"),  # documentation
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("192.168.0.0/16"),  # private
    ip_network("198.18.0.0/15"),  # benchmarks
    ip_network("198.51.100.0/24"),  # documentation
    ip_network("203.0.113.0/24"),  # documentation
    ip_network("224.0.0.0/4"),  # multicast
    ip_network("240.0.0.0/4"),  # reserved, broadcast
    ip_network("2001::/23"),  # protocol assignments, with Teredo
    ip_network("2001:db8::/32"),  # documentation
    ip_network("2002::/16"),  # 6to4
    ip_network("3fff::/20"),  # documentation
)


def is_global(address: str) -> bool:
    """Whether `address` is global unicast and embeds no other address; False if it is none."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_V6:
        return False
    return not any(ip in network for network in _NOT_GLOBAL)
