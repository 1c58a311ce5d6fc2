"""The pages that a recipient sees: rendered from templates with everything escaped, no script.

They say the names of a list and its sender; of the recipient TRK knows nothing to say.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sottovoce.trk.service import Job

__all__ = ["Pages"]

_FOLDER = Path(__file__).parent / "templates"


class Pages:
    """The templates, read once; made off the event loop because it reads files.

    ``policy`` is the Content-Security-Policy under which they may be shown.
    """

    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            auto_reload=False,  # no page ever looks at the disk again
            undefined=StrictUndefined,
        )
        style = (_FOLDER / "page.css").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        # Our own stylesheet, not anybody's text; the policy allows exactly this one.
        environment.globals["style"] = Markup(style)  # noqa: S704
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        self._unsubscribe = environment.get_template("unsubscribe.html")
        self._unsubscribed = environment.get_template("unsubscribed.html")
        self._preferences = environment.get_template("preferences.html")
        self._chosen = environment.get_template("chosen.html")
        self._later = environment.get_template("later.html").render().encode()

    def unsubscribe(self, job: Job) -> bytes:
        """Ask whether to unsubscribe."""
        return self._unsubscribe.render(list_name=job.list_name, sender=job.sender).encode()

    def unsubscribed(self, job: Job) -> bytes:
        """Say that it is done; the same the first time and every other time."""
        return self._unsubscribed.render(list_name=job.list_name, sender=job.sender).encode()

    def preferences(self, job: Job, *, unclear: bool = False) -> bytes:
        """Ask for the tracking choice."""
        return self._preferences.render(
            list_name=job.list_name, sender=job.sender, unclear=unclear
        ).encode()

    def chosen(self, job: Job, *, allowed: bool) -> bytes:
        """Say that the choice is stored."""
        return self._chosen.render(
            list_name=job.list_name, sender=job.sender, allowed=allowed
        ).encode()

    def later(self) -> bytes:
        """Say that nothing could be stored."""
        return self._later
