"""``sottovoce check``: one server judged from its files, then its connections by trying them."""

from sottovoce.server.checking.examination import Examination
from sottovoce.server.checking.looking import explain_here
from sottovoce.server.checking.notebook import Notebook
from sottovoce.server.checking.offline import check_home
from sottovoce.server.checking.partners import check_partners
from sottovoce.server.checking.ports import running_process

__all__ = [
    "Examination",
    "Notebook",
    "check_home",
    "check_partners",
    "explain_here",
    "running_process",
]
