"""DER: the few facts of a certificate that the library does not show.

Owns a walk over the outer structure of a certificate that the library has read already, so that
every length is known to be right. Knows no certificate objects.
"""

from collections.abc import Iterator

__all__ = ["has_subtree_bounds", "serial_and_frame"]

_VERSION, _EXTENSIONS = 0xA0, 0xA3
#: id-ce-nameConstraints, 2.5.29.30.
_NAME_CONSTRAINTS = bytes.fromhex("0603551d1e")


def _content(der: bytes, start: int) -> tuple[int, int]:
    """Return where the content of the element at *start* begins and ends."""
    length, begin = der[start + 1], start + 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + size], "big"), begin + size
    return begin, begin + length


def _children(der: bytes, start: int) -> Iterator[int]:
    """Yield where each element within the element at *start* begins."""
    position, end = _content(der, start)
    while position < end:
        yield position
        position = _content(der, position)[1]


def serial_and_frame(der: bytes) -> tuple[int, str]:
    """Return the serial number, and what is wrong with the unsigned frame of a certificate.

    The signed and the unsigned signature algorithm are compared byte for byte, and the signature is
    whole octets: nothing outside the signature can be altered unnoticed. The serial number is read
    here because the library warns whenever it is asked for one that RFC 5280 forbids.
    """
    body, outer, signature = _children(der, 0)
    fields = [start for start in _children(der, body) if der[start] != _VERSION]
    begin, end = _content(der, fields[0])
    serial = int.from_bytes(der[begin:end], "big", signed=True)
    inner_bytes = der[fields[1] : _content(der, fields[1])[1]]
    if inner_bytes != der[outer : _content(der, outer)[1]]:
        return serial, "its two statements of the signature algorithm differ (4.1.1.2)"
    unused_bits = der[_content(der, signature)[0]]
    return serial, "its signature is no whole number of octets (4.1.1.3)" if unused_bits else ""


def has_subtree_bounds(der: bytes) -> bool:
    """Tell whether a name constraint has a minimum or a maximum, which RFC 5280 says to reject."""
    body = next(_children(der, 0))
    for field in _children(der, body):
        if der[field] == _EXTENSIONS:
            every = next(_children(der, field))
            return any(_bounded(der, extension) for extension in _children(der, every))
    return False


def _bounded(der: bytes, extension: int) -> bool:
    oid, *_, value = _children(der, extension)
    if der[oid : _content(der, oid)[1]] != _NAME_CONSTRAINTS:
        return False
    constraints = next(_children(der, value))
    return any(
        len(list(_children(der, subtree))) > 1
        for subtrees in _children(der, constraints)
        for subtree in _children(der, subtrees)
    )
