"""A real SMTP server that writes a maildir: the demonstration's mail relay."""

import email.policy
import mailbox
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

__all__ = ["MaildirRelay", "read_maildir"]


class _Handler:
    """Takes every mail and keeps it; the final 250 follows after the file is there."""

    def __init__(self, folder: Path) -> None:
        self.box = mailbox.Maildir(folder, create=True)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        head = f"Delivered-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        self.box.add(head + envelope.content)
        return "250 OK"


class MaildirRelay:
    """The relay on a port of 127.0.0.1; a context manager.

    Args:
        folder: the maildir; made.
        port: to listen on.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self._controller = Controller(
            _Handler(folder), hostname="127.0.0.1", port=port, decode_data=False
        )

    def __enter__(self) -> "MaildirRelay":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def read_maildir(folder: Path) -> list[EmailMessage]:
    """Return every mail in the maildir *folder*, parsed by the standard library."""
    parser = BytesParser(policy=email.policy.default)
    return [
        parser.parsebytes(path.read_bytes())
        for sub in ("new", "cur")
        for path in sorted((folder / sub).glob("*"))
    ]
