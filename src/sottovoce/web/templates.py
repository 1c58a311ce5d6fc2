"""Pages made of templates: everything escaped, one stylesheet of our own, no script at all.

It owns how a page becomes bytes and under which policy a browser may show it; it knows none.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

__all__ = ["SHARED_TEMPLATES", "Templates"]

#: The pages that every component with people's pages has, such as the log-in.
SHARED_TEMPLATES = Path(__file__).parent / "templates"


class Templates:
    """The templates of some folders, read once; made off the event loop because it reads files.

    ``policy`` is the Content-Security-Policy under which the pages may be shown.

    Args:
        folders: where they are; the first one that has a template counts.
        style: the stylesheet's path, put into each page as ``style``.
    """

    def __init__(self, *folders: Path, style: Path) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            autoescape=True,
            auto_reload=False,  # no page looks at the disk again
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["foldable"] = _foldable
        text = style.read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        # Our own stylesheet, not anybody's text; the policy allows exactly this one.
        self._environment.globals["style"] = Markup(text)  # noqa: S704
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        for name in self._environment.list_templates(extensions=["html"]):
            self._environment.get_template(name)

    def render(self, template: str, /, **values: object) -> bytes:
        """Return the page made of *template*, such as ``login.html``."""
        return self._environment.get_template(template).render(values).encode()


def _foldable(text: str) -> Markup:
    """Let a fingerprint be folded after its colons, and nowhere else."""
    return Markup(":<wbr>").join(escape(part) for part in text.split(":"))
