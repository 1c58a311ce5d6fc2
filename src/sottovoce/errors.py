"""Every exception of the project, and the one value that they carry: the :class:`Fault`.

This module owns the hierarchy and nothing else; it imports nothing of ours. The class of an error
is for ``except``, its fields are for people. Errors know no exit status, no HTTP status and no
fault code on the wire: one table at each edge maps them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

__all__ = [
    "AccountRefused",
    "AliasMissing",
    "AliasTaken",
    "CallError",
    "CallRefused",
    "CallTimeout",
    "CertificateFormatError",
    "ChannelClosed",
    "ChannelError",
    "ConnectFailed",
    "EntryLocked",
    "Fault",
    "FetchFailed",
    "FormatError",
    "HandshakeFailed",
    "IniSyntaxError",
    "IntegrityError",
    "IssuanceError",
    "KeystoreError",
    "KeystoreFormatError",
    "LocalProtocolError",
    "NoSuchMethod",
    "NotAdmitted",
    "NotCarriedOut",
    "PhaseTimeout",
    "ProtocolError",
    "RemoteFault",
    "RemoteProtocolError",
    "SchemaMismatch",
    "SettingsError",
    "SottovoceError",
    "StoreError",
    "WrongUsage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, as a value: expected, presented, and the next step.

    Args:
        code: stable, kebab-case, documented under ``docs/reference/diagnoses``.
        why: one sentence for the operator; never a secret.
        expected: the value that would have been right, as text.
        presented: the value that was met, as text.
        hint: the one next step, an imperative sentence; empty when there is none.
        file: the file in which the fault lies, when it lies in one.
        line: its line, counted from 1.
        key: the key of the entry in that file.
        depth: for a certificate chain, the certificate's distance from the leaf (leaf = 0).
        warning: True when the thing works all the same and nothing is refused for it.
    """

    code: str
    why: str
    expected: str = ""
    presented: str = ""
    hint: str = ""
    file: str | None = None
    line: int | None = None
    key: str | None = None
    depth: int | None = None
    warning: bool = False

    def at(self, *, file: str | None = None, line: int | None = None) -> "Fault":
        """Return the same fault with its place filled in where it had none."""
        return replace(self, file=self.file or file, line=self.line or line)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        text = f"{place}: {self.why}" if place else self.why
        return f"{text} {self.hint}" if self.hint else text


class SottovoceError(Exception):
    """The root of everything that this project raises on purpose.

    Args:
        message: one sentence for the operator.
        hint: the next step; may be empty.
        code: overrides the class's code where one class serves several causes.
        expected, presented: the two values, as text; may be empty.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str | None = None,
        expected: str = "",
        presented: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.expected = expected
        self.presented = presented
        if code is not None:
            self.code = code

    def as_fault(self, *, file: str | None = None) -> Fault:
        """Return the same as a value, for whoever reports all faults at once."""
        return Fault(
            code=self.code,
            why=self.message,
            expected=self.expected,
            presented=self.presented,
            hint=self.hint,
            file=file,
        )

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class WrongUsage(SottovoceError):
    """A command was given words that it does not take."""

    code = "wrong-usage"


class FormatError(SottovoceError, ValueError):
    """Bytes or text that are not what they claim to be.

    Args:
        message: what is wrong, as a sentence.
        source: the name of the file or the kind of data.
        position: byte offset, or line for text, where it was noticed.
        expected: what should have stood there; presented: what stands there.
    """

    code = "malformed"

    def __init__(  # noqa: PLR0913 - where, and the two values
        self,
        message: str,
        *,
        source: str = "",
        position: int | None = None,
        expected: str = "",
        presented: str = "",
        hint: str = "",
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code, expected=expected, presented=presented)
        self.source = source
        self.position = position


class IniSyntaxError(FormatError):
    """INI text that no reader of ``.properties`` files could read; carries every fault."""

    code = "ini-malformed"

    def __init__(self, message: str, *, faults: Iterable[Fault] = (), source: str = "") -> None:
        self.faults = tuple(faults)
        first = self.faults[0].line if self.faults else None
        super().__init__(message, source=source, position=first)


class KeystoreFormatError(FormatError):
    """Bytes that are no keystore that we read, or a damaged one."""

    code = "keystore-damaged"


class CertificateFormatError(FormatError):
    """Bytes that are no certificate, request or revocation list."""

    code = "certificate-malformed"


class SettingsError(SottovoceError):
    """Well-formed and yet unacceptable: every fault of a set of settings at once."""

    code = "settings"

    def __init__(self, faults: Iterable[Fault], *, message: str = "") -> None:
        self.faults = tuple(faults)
        lines = [message] if message else []
        lines += [str(fault) for fault in self.faults]
        super().__init__("\n".join(lines))


class KeystoreError(SottovoceError):
    """A keystore that is well-formed but does not give what was asked of it."""


class IntegrityError(KeystoreError):
    """The password is wrong *or* the file was altered: a MAC cannot tell which."""

    code = "keystore-wrong-password"


class EntryLocked(KeystoreError):
    """The store opens, one entry has another password."""

    code = "keystore-entry-locked"


class AliasMissing(KeystoreError):
    """No entry of that name."""

    code = "alias-missing"


class AliasTaken(KeystoreError):
    """An entry of that name exists already."""

    code = "alias-taken"


class IssuanceError(SottovoceError):
    """A certificate authority declines; the message names the profile's rule."""

    code = "issuance-declined"


class ChannelError(SottovoceError):
    """Something went wrong on the way to a peer, or with it.

    Args:
        message: one sentence for the operator.
        peer: who, as ``name (address:port)``.
        phase: ``resolve``, ``connect``, ``preamble``, ``tls``, ``greeting`` or ``calls``.
        faults: what was found wrong, by us or by the peer.
        connection_id: the id under which the accepting side logs this connection, when known.
    """

    def __init__(  # noqa: PLR0913 - what finds the same event in the logs of both sides
        self,
        message: str,
        *,
        peer: str = "",
        phase: str = "",
        faults: Iterable[Fault] = (),
        connection_id: str = "",
        hint: str = "",
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, code=code)
        self.peer = peer
        self.phase = phase
        self.faults = tuple(faults)
        self.connection_id = connection_id


class ConnectFailed(ChannelError):
    """No byte could be exchanged: name, route, port or firewall."""

    code = "connect-failed"


class HandshakeFailed(ChannelError):
    """TLS did not come about; ``faults`` says who refused what."""

    code = "handshake-failed"


class NotAdmitted(ChannelError):
    """TLS stood, and the gate on one of the two sides said no."""


class ChannelClosed(ChannelError):
    """The channel ended while something was still under way."""

    code = "channel-closed"


class NotCarriedOut(ChannelClosed):
    """The channel ended before the call began: it may be made again, on another channel."""

    code = "going-away"


class PhaseTimeout(ChannelError, TimeoutError):
    """A phase took longer than its limit."""

    code = "phase-timeout"


class FetchFailed(SottovoceError):
    """A file or an answer that is fetched from an address did not come, or not whole."""

    code = "fetch-failed"


class ProtocolError(SottovoceError):
    """The protocol would be or was broken; see the two kinds."""


class LocalProtocolError(ProtocolError):
    """We would have broken the protocol: a mistake in this program."""

    code = "protocol-local"


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol; ``code`` is what to send before closing."""

    code = "protocol-error"


class CallError(SottovoceError):
    """A call did not give a result."""


class CallRefused(CallError):
    """Raised by an implementation; the caller gets code and message as a :class:`RemoteFault`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)


class RemoteFault(CallError):
    """The other side answered a call with a fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)


class NoSuchMethod(CallError):
    """The other side does not offer that call, or not to this role."""

    code = "no-such-method"


class CallTimeout(CallError, TimeoutError):
    """No reply within the deadline; whether the call was carried out is unknown."""

    code = "call-timeout"


class AccountRefused(SottovoceError):
    """HUB declines a change to its accounts; ``code`` says which rule stands against it."""


class StoreError(SottovoceError):
    """A database or file of ours cannot be used as it is."""


class SchemaMismatch(StoreError):
    """A database of a version that this program does not know."""

    code = "schema-mismatch"
