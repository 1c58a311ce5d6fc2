"""``sottovoce check``: one server judged from its files, then its connections by trying them."""

from typing import TYPE_CHECKING

from sottovoce import loaded_when_used

__all__ = [
    "Examination",
    "Notebook",
    "check_home",
    "check_partners",
    "explain_here",
    "running_process",
]

if TYPE_CHECKING:
    from sottovoce.server.checking.examination import Examination
    from sottovoce.server.checking.looking import explain_here
    from sottovoce.server.checking.notebook import Notebook
    from sottovoce.server.checking.offline import check_home
    from sottovoce.server.checking.partners import check_partners
    from sottovoce.server.checking.ports import running_process
else:
    __getattr__ = loaded_when_used(
        __name__,
        {
            "examination": ("Examination",),
            "looking": ("explain_here",),
            "notebook": ("Notebook",),
            "offline": ("check_home",),
            "partners": ("check_partners",),
            "ports": ("running_process",),
        },
    )
