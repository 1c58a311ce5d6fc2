"""The mail relay: one SMTP session at a time, every way of failing told apart.

What matters to the ledger is *when* something failed: before DATA nothing was handed over, from
DATA until the final reply nobody knows. Owns no queue, no retry and no database.
"""

import asyncio
import ssl
from dataclasses import dataclass
from enum import Enum

import aiosmtplib

from sottovoce.errors import SottovoceError
from sottovoce.lui.settings import LuiSettings, SmtpSecurity

__all__ = ["Answer", "Handed", "Relay", "RelayDown", "Session"]


class RelayDown(SottovoceError):
    """No session with the relay can be had now; nothing was lost."""

    code = "smtp-refused"


class Handed(Enum):
    """How far handing one mail over came."""

    #: The relay answers for it now.
    ACCEPTED = "accepted"
    #: Refused for good.
    REFUSED = "refused"
    #: Refused for now.
    DEFERRED = "deferred"
    #: The sender was refused, which would meet every recipient.
    SENDER_REFUSED = "sender-refused"
    #: The connection ended before DATA: certainly not handed over.
    BROKEN_BEFORE = "broken-before"
    #: The connection ended between DATA and the final reply: nobody knows.
    BROKEN_IN_DATA = "broken-in-data"


@dataclass(frozen=True, slots=True)
class Answer:
    """How handing over ended: *reply* is the relay's, bounded; *closing* that it wants to end."""

    handed: Handed
    reply: str
    closing: bool = False


def _reply(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"[:300]
    text = " ".join(str(error).split())
    return (text or type(error).__name__)[:300]


class Session:
    """One SMTP connection, ready for mails."""

    def __init__(self, smtp: aiosmtplib.SMTP) -> None:
        self._smtp = smtp

    async def send(self, sender: str, mailbox: str, mail: bytes) -> Answer:
        """Hand one mail over.

        Args:
            sender, mailbox: the envelope.
            mail: its bytes, lines ended by CRLF; leading dots are doubled on the way.
        """
        try:
            await self._smtp.mail(sender)
            await self._smtp.rcpt(mailbox)
        except aiosmtplib.SMTPResponseException as error:
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Answer(Handed.BROKEN_BEFORE, _reply(error), closing=True)
        try:
            response = await self._smtp.data(mail)
        except aiosmtplib.SMTPDataError as error:
            if error.code < 400:  # the relay said yes, or something that no client can know
                return Answer(Handed.BROKEN_IN_DATA, _reply(error), closing=True)
            return await self._refused(error)
        except (aiosmtplib.SMTPException, OSError) as error:
            return Answer(Handed.BROKEN_IN_DATA, _reply(error), closing=True)
        return Answer(Handed.ACCEPTED, f"{response.code} {response.message}"[:300])

    async def _refused(self, error: aiosmtplib.SMTPResponseException) -> Answer:
        if error.code < 400 or error.code == 421:
            return Answer(Handed.DEFERRED, _reply(error), closing=True)
        if error.code < 500:
            handed = Handed.DEFERRED
        elif isinstance(error, aiosmtplib.SMTPSenderRefused):
            handed = Handed.SENDER_REFUSED
        else:
            handed = Handed.REFUSED
        try:
            await self._smtp.rset()
        except (aiosmtplib.SMTPException, OSError):
            return Answer(handed, _reply(error), closing=True)
        return Answer(handed, _reply(error))

    async def aclose(self) -> None:
        """Say QUIT and end; a relay that does not answer is left alone."""
        try:
            if self._smtp.is_connected:
                async with asyncio.timeout(2):
                    await self._smtp.quit()
        except (aiosmtplib.SMTPException, OSError, TimeoutError):
            pass
        finally:
            self._smtp.close()


class Relay:
    """Where mails are handed over.

    Args:
        settings: LUI's.
        own_name: said in EHLO.
    """

    def __init__(self, settings: LuiSettings, *, own_name: str) -> None:
        self._settings = settings
        self._own_name = own_name
        self._context: ssl.SSLContext | None = None

    @property
    def place(self) -> str:
        """The relay as text, ``host:port``."""
        return f"{self._settings.smtp_host}:{self._settings.smtp_port}"

    async def connect(self) -> Session:
        """Open a session: connected, encrypted and logged in as the settings say.

        Raises:
            RelayDown: ``smtp-refused``, ``smtp-tls-failed``, ``smtp-login-refused`` or
                ``smtp-broken-off``, with the next step.
        """
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            local_hostname=self._own_name,
            timeout=settings.smtp_timeout,
            use_tls=settings.smtp_security is SmtpSecurity.TLS,
            start_tls=settings.smtp_security is SmtpSecurity.STARTTLS,
            tls_context=await self._tls(),
        )
        try:
            await smtp.connect()
            if settings.smtp_user:
                await smtp.login(settings.smtp_user, settings.smtp_password.reveal())
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise self._down(error) from error
        return Session(smtp)

    async def _tls(self) -> ssl.SSLContext | None:
        if self._settings.smtp_security is SmtpSecurity.NONE:
            return None
        if self._context is None:
            roots = self._settings.smtp_trusted_roots
            try:
                self._context = await asyncio.to_thread(
                    ssl.create_default_context, cafile=None if roots is None else str(roots)
                )
            except OSError as error:
                raise RelayDown(
                    f"The trusted roots for the mail relay cannot be read from {roots}: {error}.",
                    hint="Correct SmtpTrustedRoots in lui.ini.",
                    code="smtp-tls-failed",
                ) from error
        return self._context

    def _down(self, error: Exception) -> RelayDown:
        why = _reply(error).removesuffix(".")
        cause = error.__cause__ or error
        if isinstance(error, aiosmtplib.SMTPAuthenticationError):
            return RelayDown(
                f"The mail relay {self.place} refused the log-in of "
                f"{self._settings.smtp_user!r}: {why}.",
                hint="Correct SmtpUser and SmtpPassword in lui.ini.",
                code="smtp-login-refused",
            )
        if isinstance(cause, ssl.SSLError) or "TLS" in why.upper().split(":")[0]:
            return RelayDown(
                f"No encrypted session with the mail relay {self.place}: {why}.",
                hint="Check SmtpSecurity and SmtpTrustedRoots in lui.ini (ssl.ini plays no part).",
                code="smtp-tls-failed",
            )
        if isinstance(error, aiosmtplib.SMTPServerDisconnected) or "EOF" in why:
            return RelayDown(
                f"The mail relay {self.place} broke the connection off: {why}.",
                hint="Its log says why; the job goes on by itself when it takes mail again.",
                code="smtp-broken-off",
            )
        return RelayDown(
            f"The mail relay {self.place} cannot be reached: {why}.",
            hint="Check SmtpHost and SmtpPort in lui.ini; the job goes on by itself when it can.",
        )
