"""The pages that a recipient sees: rendered from templates with everything escaped, no script.

They say the names of a list and its sender; of the recipient TRK knows nothing to say.
"""

from pathlib import Path

from sottovoce.trk.service import Job
from sottovoce.web import Templates

__all__ = ["Pages"]

_FOLDER = Path(__file__).parent / "templates"


class Pages:
    """The templates, read once; made off the event loop because it reads files.

    ``policy`` is the Content-Security-Policy under which they may be shown.
    """

    def __init__(self) -> None:
        self._templates = Templates(_FOLDER, style=_FOLDER / "page.css")
        self.policy = self._templates.policy
        self._later = self._templates.render("later.html")

    def unsubscribe(self, job: Job) -> bytes:
        """Ask whether to unsubscribe."""
        return self._templates.render(
            "unsubscribe.html", list_name=job.list_name, sender=job.sender
        )

    def unsubscribed(self, job: Job) -> bytes:
        """Say that it is done; the same the first time and every other time."""
        return self._templates.render(
            "unsubscribed.html", list_name=job.list_name, sender=job.sender
        )

    def preferences(self, job: Job, *, unclear: bool = False) -> bytes:
        """Ask for the tracking choice."""
        return self._templates.render(
            "preferences.html", list_name=job.list_name, sender=job.sender, unclear=unclear
        )

    def chosen(self, job: Job, *, allowed: bool) -> bytes:
        """Say that the choice is stored."""
        return self._templates.render(
            "chosen.html", list_name=job.list_name, sender=job.sender, allowed=allowed
        )

    def later(self) -> bytes:
        """Say that nothing could be stored."""
        return self._later
