"""What a network address tells by itself; asks no network."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Returns whether only this machine reaches a host, by its name or by its address."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return host == "localhost"
