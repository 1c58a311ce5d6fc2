"""Changes to keystores that keep them whole enough to be read: lengths, digests and MACs put right.

Without them nearly every mutation ends at the first length or at the digest. Knows no fuzzer: the
source of plain changes to octets is an argument.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from fuzz.targets import PASSWORD
from sottovoce.keystore import pbe
from sottovoce.keystore.der import encode

__all__ = ["mutate_jks", "mutate_pkcs12"]

#: Changes octets in some way: (octets, greatest length) → octets.
Plain = Callable[[bytes, int], bytes]

_DEEPEST = 24
_WHITENER = b"Mighty Aphrodite"


@dataclass
class Node:
    """One ASN.1 value: content, or the values in it."""

    tag: int
    content: bytes = b""
    children: list["Node"] = field(default_factory=list)

    def encoded(self) -> bytes:
        """Return the value in DER, its lengths put right."""
        inner = b"".join(child.encoded() for child in self.children)
        return encode(self.tag, inner if self.children else self.content)

    def walk(self) -> list["Node"]:
        """Return this value and every one below it."""
        return [self, *(each for child in self.children for each in child.walk())]


def _values(data: bytes, depth: int = 0) -> list[Node] | None:
    """Return *data* as a row of values, or None where it is none."""
    nodes: list[Node] = []
    at = 0
    while at < len(data):
        if at + 2 > len(data) or data[at] & 0x1F == 0x1F:
            return None
        tag, length, body = data[at], data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                return None
            length = int.from_bytes(data[body : body + count], "big")
            body += count
        if body + length > len(data):
            return None
        nodes.append(_node(tag, data[body : body + length], depth))
        at = body + length
    return nodes


def _node(tag: int, content: bytes, depth: int) -> Node:
    node = Node(tag, content)
    # OCTET STRINGs of PKCS#12 hold further values.
    if (tag & 0x20 or tag == 0x04) and content and depth < _DEEPEST:
        inner = _values(content, depth + 1)
        if inner is not None and (tag & 0x20 or content[0] == 0x30):
            node.children = inner
    return node


def mutate_pkcs12(data: bytes, limit: int, seed: int, plain: Plain) -> bytes:
    """Change one or a few values of a PKCS#12 file, then put its lengths right, or its MAC too."""
    rng = random.Random(seed)  # noqa: S311 - a fuzzer's dice
    nodes = _values(data) if rng.random() < 0.9 else None
    if not nodes:
        return plain(data, limit)
    root = nodes[0]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(root, rng, limit, plain)
    fate = rng.random()
    if fate < 0.4 and len(root.children) > 2:
        del root.children[2:]
    elif fate < 0.6:
        _put_mac_right(root)
    changed = root.encoded() + b"".join(node.encoded() for node in nodes[1:])
    return changed if len(changed) <= limit else plain(data, limit)


def _change(root: Node, rng: random.Random, limit: int, plain: Plain) -> None:
    nodes = root.walk()
    node = rng.choice(nodes)
    other = rng.choice(nodes)
    match rng.randrange(8):
        case 0 if node.children:
            del node.children[rng.randrange(len(node.children))]
        case 1 if node.children and len(nodes) < 2000:
            node.children.insert(rng.randrange(len(node.children) + 1), rng.choice(node.children))
        case 2 if node.children:
            rng.shuffle(node.children)
        case 3:
            node.tag = rng.choice((other.tag, node.tag ^ 0x20, rng.randrange(256)))
        case 4 if other.encoded() and len(other.walk()) < 50:
            node.tag, node.content, node.children = other.tag, other.content, []
        case 5 if node.children:  # a value that no longer is one
            node.content, node.children = plain(node.encoded(), limit), []
        case _:
            leaf = rng.choice([each for each in nodes if not each.children] or [node])
            leaf.content, leaf.children = plain(leaf.content or b"\0", limit), []


def _put_mac_right(root: Node) -> None:
    """Make a MAC of one round over what the file holds now."""
    try:
        octets = root.children[1].children[1].children[0]
    except IndexError:
        return
    content = b"".join(each.encoded() for each in octets.children) or octets.content
    made = _values(pbe.make_mac(content, PASSWORD, bytes))
    assert made is not None
    root.children[2:] = made


def mutate_jks(data: bytes, limit: int, seed: int, plain: Plain) -> bytes:
    """Change a field of a JKS or JCEKS file with its length, then put the digest right."""
    rng = random.Random(seed)  # noqa: S311 - a fuzzer's dice
    body = data[:-20] if len(data) > 32 else data
    blocks = _blocks(body)
    if blocks and rng.random() < 0.6:
        at, size, length = rng.choice(blocks)
        changed = plain(body[at + size : at + size + length] or b"\0", 4096)[:65535]
        body = body[:at] + len(changed).to_bytes(size, "big") + body[at + size + length :]
        body = body[: at + size] + changed + body[at + size :]
    else:
        body = plain(body, max(limit - 20, 1))
    if rng.random() < 0.1:
        return body[:limit]
    secret = PASSWORD.encode("utf-16-be")
    digest = hashlib.sha1(secret + _WHITENER + body, usedforsecurity=False).digest()
    return (body + digest)[:limit] if len(body) + 20 <= limit else body[:limit]


def _blocks(body: bytes) -> list[tuple[int, int, int]]:
    """Return where octets stand behind their length: (offset of the length, its size, length)."""
    found: list[tuple[int, int, int]] = []
    at = 12
    while at + 6 < len(body) and len(found) < 200:
        kind = int.from_bytes(body[at : at + 4], "big")
        at = _block(body, at + 4, 2, found) + 8
        certificates = 1
        if kind == 1:
            at = _block(body, at, 4, found)
            certificates = min(int.from_bytes(body[at : at + 4], "big"), 20)
            at += 4
        elif kind != 2:
            break
        for _ in range(certificates):
            at = _block(body, _block(body, at, 2, found), 4, found)
    return [each for each in found if each[0] + each[1] + each[2] <= len(body)]


def _block(body: bytes, at: int, size: int, found: list[tuple[int, int, int]]) -> int:
    length = int.from_bytes(body[at : at + size], "big")
    found.append((at, size, length))
    return at + size + length
