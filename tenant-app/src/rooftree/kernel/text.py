"""What people type, made comparable: lines, names, mail addresses, and the networks that requests come from. Pure."""

import ipaddress
import unicodedata
from email.errors import HeaderParseError
from email.headerregistry import Address

_EMAIL_MAX = 254  # RFC 3696, erratum 1690


def email_key(email: str) -> str:
    """Equal for spellings of one address: NFKC, case folded, no outer spaces."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def name_key(name: str) -> str:
    """Equal for names that people would take for one."""
    return unicodedata.normalize("NFKC", name).casefold()


def email_address(email: str) -> str:
    """One plain mail address, without outer spaces. Raises ValueError that does not repeat it."""
    try:
        if (stripped := email.strip()).isprintable() and (address := Address(addr_spec=stripped)).username:
            domain = address.domain
            if "." in domain and all(domain.split(".")) and len(address.addr_spec) <= _EMAIL_MAX:
                return address.addr_spec
    except (ValueError, IndexError, HeaderParseError):
        pass
    raise ValueError("must be one plain mail address") from None


def tidy(text: str) -> str:
    """What is meant by a line that somebody typed: single spaces, nothing that cannot be printed."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def network(address: str) -> str:
    """What one party holds: an IPv4 address or an IPv6 /64. Other texts stay as they are."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
