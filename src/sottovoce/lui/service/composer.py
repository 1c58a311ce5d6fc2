"""Job content × recipient → the bytes of one mail, fast: prepared once, spliced per recipient.

Everything that is the same for all recipients is encoded once, in pieces that each end at the
beginning of an encoded line; a recipient's values are encoded by themselves and put in between.
Whatever pieces are joined, the result is well-formed quoted-printable (RFC 2045 §6.7). Knows
neither the database nor SMTP; time arrives as an argument.
"""

import binascii
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from html import escape as escape_html
from urllib.parse import quote

from sottovoce.contracts.tokens import MAX_RECIPIENT, SALT_SIZE, LinkKind, TokenCodec, link_path
from sottovoce.lui.schema import Tier
from sottovoce.lui.service.content import (
    Branch,
    Content,
    Escape,
    LinkPiece,
    Piece,
    PixelPiece,
    Slot,
    UnsubscribePiece,
)
from sottovoce.lui.service.headers import (
    encode_phrase,
    encode_text,
    list_id,
    message_id,
    parse_sender,
)

__all__ = ["ComposedJob", "Composer", "Recipient"]

#: Values remembered in encoded form, per place; names and cities repeat.
CACHE_SIZE = 4096

_NO_SALT = bytes(SALT_SIZE)


@dataclass(frozen=True, slots=True)
class ComposedJob:
    """What a job gives to every mail.

    Args:
        job_ref: 6 characters of base64url.
        key: the job's token key.
        public_url: the tracker's, without a trailing slash.
        sender: ``Name <address>`` or an address.
        list_name: shown in List-Id.
        mail_domain: right of the @ in Message-ID and of List-Id.
        content: compiled.
    """

    job_ref: str
    key: bytes = field(repr=False)
    public_url: str
    sender: str
    list_name: str
    mail_domain: str
    content: Content


@dataclass(slots=True)
class Recipient:
    """Who gets one mail: index in the job, mailbox, values, and what the mail may carry."""

    idx: int
    mailbox: str
    fields: dict[str, str]
    tier: Tier
    tokens: list[bytes] = field(default_factory=list)


Fill = Callable[[Recipient], bytes]
#: A constant, the number of a token in ``Recipient.tokens``, or what gives a value.
Op = bytes | int | Fill


class Composer:
    """Composes the mails of one job.

    Args:
        job: what they have in common.
        draw: gives the random numbers of the ``unique`` tier, from 1 to ``MAX_RECIPIENT``; nothing
            remembers which recipient got which. Of a million, two meet once in two jobs at most.
    """

    def __init__(
        self,
        job: ComposedJob,
        *,
        draw: Callable[[], int] = lambda: 1 + secrets.randbelow(MAX_RECIPIENT),
    ) -> None:
        self.job = job
        self.envelope_from = parse_sender(job.sender).mailbox
        self._draw = draw
        self._codec = TokenCodec(job.key, job.job_ref)
        self._skeletons: dict[Tier, _Skeleton] = {}
        self._second: datetime | None = None
        self.date = b""

    def compose(self, recipient: Recipient, *, at: datetime) -> bytes:
        """Return the mail of *recipient* as it goes to the relay, lines ended by CRLF.

        Args:
            recipient: its ``tokens`` are filled in here.
            at: the moment of sending, aware.
        """
        skeleton = self._skeletons.get(recipient.tier)
        if skeleton is None:
            skeleton = self._skeletons[recipient.tier] = _Skeleton(self, recipient.tier)
        second = at.replace(microsecond=0)
        if second != self._second:
            self._second, self.date = second, format_datetime(second).encode()
        number, idx = self._number(recipient), recipient.idx
        seal = self._codec.seal
        recipient.tokens = [
            seal(kind, idx if own else number, n, _NO_SALT).encode()
            for kind, n, own in skeleton.tokens
        ]
        return _filled(skeleton.ops, recipient)

    def _number(self, recipient: Recipient) -> int:
        """Return the number that opens and clicks of this mail carry."""
        if recipient.tier is Tier.PERSONAL:
            return recipient.idx
        return self._draw() if recipient.tier is Tier.UNIQUE else 0

    def prefix(self, kind: LinkKind) -> str:
        """Return what stands before the token in a tracking address of *kind*."""
        return self.job.public_url + link_path(kind, self.job.job_ref, "").removesuffix(".png")


class _Skeleton:
    """The prepared mail of one tier."""

    def __init__(self, composer: Composer, tier: Tier) -> None:
        self.composer = composer
        self.job = composer.job
        self.tracked = tier is not Tier.DIRECT
        self.boundary = f"=_{self.job.job_ref}_{secrets.token_hex(8)}"
        #: Kind, link, and whether the token carries the true index: unsubscribing always does.
        self.tokens: list[tuple[LinkKind, int, bool]] = []
        self.ops = self._build()

    def _token(self, kind: LinkKind, n: int) -> int:
        """Return the number of a token; the same one in both parts is sealed once."""
        wanted = (kind, n, kind is LinkKind.UNSUBSCRIBE)
        if wanted not in self.tokens:
            self.tokens.append(wanted)
        return self.tokens.index(wanted)

    def _build(self) -> list[Op]:
        ops: list[Op] = list(self._headers())
        ops.append(
            (
                "MIME-Version: 1.0\r\n"
                f'Content-Type: multipart/alternative; boundary="{self.boundary}"\r\n\r\n'
            ).encode()
        )
        ops += self._part("plain", self.job.content.text)
        ops += self._part("html", self.job.content.html)
        ops.append(f"--{self.boundary}--\r\n".encode())
        return _merged(ops)

    def _headers(self) -> Iterable[Op]:
        job = self.job
        domain = job.mail_domain
        sender = parse_sender(job.sender)
        name = f"{encode_phrase(sender.name)} <{sender.mailbox}>" if sender.name else sender.mailbox
        yield f"From: {name}\r\nTo: ".encode()
        yield lambda r: r.mailbox.encode()
        yield b"\r\nSubject: "
        yield from self._subject()
        yield b"\r\nDate: "
        yield lambda _: self.composer.date
        yield b"\r\nMessage-ID: "
        yield lambda r: message_id(job.job_ref, r.idx, domain).encode()
        # One line: folding it breaks signatures at relays (tracker-and-campaign E14; RFC 8058).
        prefix = self.composer.prefix(LinkKind.UNSUBSCRIBE)
        yield f"\r\nList-Unsubscribe: <{prefix}".encode()
        yield self._token(LinkKind.UNSUBSCRIBE, 0)
        yield b">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: "
        yield f"{list_id(job.list_name, domain)}\r\n".encode()

    def _subject(self) -> Iterable[Op]:
        subject = self.job.content.subject
        if all(isinstance(piece, str) for piece in subject):
            text = "".join(str(piece) for piece in subject)
            yield encode_text(text, used=len("Subject: ")).encode()
        else:
            used = len("Subject: ")
            yield lambda r: encode_text(_render(subject, r), used=used).encode()

    def _part(self, subtype: str, pieces: tuple[Piece, ...]) -> list[Op]:
        head = f"--{self.boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
        ops = self._ops(pieces, _Plain() if _wants_base64(pieces) else _QuotedPrintable())
        if _wants_base64(pieces):
            raw = _joined(_merged(ops))
            return [
                f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode(),
                lambda r: _base64(raw(r)),
            ]
        encoding = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        return [f"{head}{encoding}".encode(), *ops, b"\r\n"]

    def _ops(self, pieces: tuple[Piece, ...], codec: "_Plain") -> list[Op]:
        """Return the operations of *pieces*; neighbouring constants are encoded as one."""
        ops: list[Op] = []
        constant = ""
        for piece in self._resolved(pieces):
            if isinstance(piece, str):
                constant += piece
                continue
            if constant:
                ops.append(codec.constant(constant))
                constant = ""
            if isinstance(piece, int):
                ops += [piece, codec.after_token]
            elif isinstance(piece, Slot):
                ops.append(_filler(piece, codec))
            else:
                ops.append(self._branch(piece, codec))
        if constant:
            ops.append(codec.constant(constant))
        return ops

    def _resolved(self, pieces: tuple[Piece, ...]) -> Iterable[str | int | Slot | Branch]:
        """Replace addresses by their constant beginning and the number of their token."""
        for piece in pieces:
            match piece:
                case str() | Branch() | Slot():
                    yield piece
                case LinkPiece() if not self.tracked:
                    yield piece.original
                case LinkPiece():
                    yield from self._address(LinkKind.CLICK, piece.n)
                case UnsubscribePiece():
                    yield from self._address(LinkKind.UNSUBSCRIBE, 0)
                case PixelPiece() if self.tracked:
                    yield '<img src="'
                    yield from self._address(LinkKind.OPEN, 0)
                    yield '.png" width="1" height="1" alt="" style="border:0">\n'
                case PixelPiece():
                    pass

    def _address(self, kind: LinkKind, n: int) -> Iterable[str | int]:
        yield self.composer.prefix(kind)
        yield self._token(kind, n)

    def _branch(self, branch: Branch, codec: "_Plain") -> Fill:
        then = _joined(_merged(self._ops(branch.then, codec)))
        otherwise = _joined(_merged(self._ops(branch.otherwise, codec)))
        name = branch.name
        return lambda r: then(r) if _value(r, name) else otherwise(r)


class _Plain:
    """The encoding of a part that is turned into base64 as a whole: none, but CRLF."""

    #: What follows a token, so that the next piece begins where pieces begin.
    after_token = b""

    def constant(self, text: str) -> bytes:
        return _lines(text).replace("\n", "\r\n").encode()

    def value(self, text: str) -> bytes:
        return self.constant(text)


class _QuotedPrintable(_Plain):
    """Quoted-printable in pieces that each end at the beginning of a line."""

    after_token = b"=\r\n"

    def constant(self, text: str) -> bytes:
        encoded = binascii.b2a_qp(_lines(text).encode(), istext=True).replace(b"\n", b"\r\n")
        return _to_line_start(encoded)

    def value(self, text: str) -> bytes:
        if len(text) <= 75 and text.isascii() and text.isprintable() and "=" not in text:
            return text.encode() + b"=\r\n"
        return self.constant(text)


def _lines(text: str) -> str:
    """Return *text* with one kind of line end; a lone CR would break a line on its way."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _to_line_start(encoded: bytes) -> bytes:
    """End quoted-printable text with a soft break, keeping every line within 76 characters."""
    if not encoded or encoded.endswith(b"\r\n"):
        return encoded
    last = encoded.rfind(b"\n") + 1
    if len(encoded) - last > 75:
        cut = len(encoded) - 3
        while b"=" in encoded[cut - 2 : cut]:
            cut -= 1
        encoded = encoded[:cut] + b"=\r\n" + encoded[cut:]
    return encoded + b"=\r\n"


def _filler(slot: Slot, codec: _Plain) -> Fill:
    """Return what gives the encoded value of *slot*, remembering what was encoded before."""
    name, fallback, escape = slot.name, slot.fallback, slot.escape
    known: dict[str, bytes] = {}

    def fill(recipient: Recipient) -> bytes:
        value = _value(recipient, name) or fallback
        encoded = known.get(value)
        if encoded is None:
            encoded = codec.value(_escaped(value, escape))
            if len(known) < CACHE_SIZE:
                known[value] = encoded
        return encoded

    return fill


def _value(recipient: Recipient, name: str) -> str:
    return recipient.mailbox if name == "email" else recipient.fields.get(name, "")


def _escaped(value: str, escape: Escape) -> str:
    if escape is Escape.HTML:
        return escape_html(value, quote=True)
    return quote(value, safe="") if escape is Escape.URL else value


def _render(pieces: Iterable[Piece], recipient: Recipient) -> str:
    """Return a header's text for *recipient*."""
    out: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
        elif isinstance(piece, Slot):
            out.append(_value(recipient, piece.name) or piece.fallback)
        elif isinstance(piece, Branch):
            chosen = piece.then if _value(recipient, piece.name) else piece.otherwise
            out.append(_render(chosen, recipient))
    return "".join(out)


def _wants_base64(pieces: Iterable[Piece]) -> bool:
    """Tell whether base64 is the shorter one: more than one byte in six is no ASCII."""
    text = "".join(_constants(pieces)).encode()
    return sum(byte > 127 for byte in text) * 6 > len(text)


def _constants(pieces: Iterable[Piece]) -> Iterable[str]:
    for piece in pieces:
        if isinstance(piece, str):
            yield piece
        elif isinstance(piece, Branch):
            yield from _constants(piece.then)
            yield from _constants(piece.otherwise)


def _base64(raw: bytes) -> bytes:
    encoded = binascii.b2a_base64(raw, newline=False)
    lines = [encoded[at : at + 76] for at in range(0, len(encoded), 76)]
    return b"\r\n".join(lines) + b"\r\n"


def _merged(ops: Iterable[Op]) -> list[Op]:
    """Join constants that follow each other."""
    merged: list[Op] = []
    for op in ops:
        if merged and isinstance(op, bytes) and isinstance(merged[-1], bytes):
            merged[-1] += op
        else:
            merged.append(op)
    return merged


def _joined(ops: list[Op]) -> Fill:
    if len(ops) == 1 and isinstance(ops[0], bytes):
        constant = ops[0]
        return lambda _: constant
    return lambda r: _filled(ops, r)


def _filled(ops: list[Op], recipient: Recipient) -> bytes:
    """Return what *ops* give for one recipient."""
    tokens = recipient.tokens
    return b"".join(
        [
            # Exact types, tried in the order of their number: half the time of isinstance.
            op if type(op) is bytes else tokens[op] if type(op) is int else op(recipient)  # type: ignore[operator]
            for op in ops
        ]
    )
