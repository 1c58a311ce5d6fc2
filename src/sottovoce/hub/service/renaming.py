"""A server's name, replaced while everything runs: which steps are done, and what is missing.

    permitted   HUB's issuing authority may certify the new name
    allowed     every server allows the new name beside the old one
    certified   the server's certificate is for both names
    named       the server calls itself by the new name, and every partner calls it so
    forgotten   no server allows the old name any more
    reissued    the server's certificate is for the new name alone

Between *certified* and *forgotten* both names are true, so that the servers may be given the new
one and restarted in any order. Everything is computed from what the servers have reported; all that
is stored is what HUB's authority is to certify next, and a renaming is not over while that is. A
plain installation has names and no certificates: there the step *named* is all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sottovoce.contracts import Naming
from sottovoce.policy import Component

__all__ = ["RENAME_STEPS", "NamedServer", "Renaming"]

#: Every step in its order.
RENAME_STEPS = ("permitted", "allowed", "certified", "named", "forgotten", "reissued")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedServer:
    """What one server has said of names.

    Args:
        name: by which HUB knows it.
        components: that run there.
        naming: what it has in force; None when it has not said.
        written: what its files say, for its next start; None when that is not known here.
        certified: the names in its certificate; empty when it has not said, or is plain.
        managed: whether it takes its trust from HUB.
    """

    name: str
    components: tuple[Component, ...]
    naming: Naming | None = None
    written: Naming | None = None
    certified: tuple[str, ...] = ()
    managed: bool = False

    @property
    def labels(self) -> str:
        """Its components, for people."""
        return ", ".join(component.label for component in self.components)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """One renaming, as far as it is.

    Args:
        old, new: host names in their normal form.
        secured: whether the installation is.
        permitted: whether HUB's authority may certify the new name; None where certificates come
            from outside, or that is not known here.
        may_certify: the names that it may certify.
        servers: of the installation.
        coming: the names of the server's next certificate, as HUB's authority has recorded them
            for this renaming; None when it has recorded nothing.
    """

    old: str
    new: str
    secured: bool
    permitted: bool | None
    may_certify: tuple[str, ...] = ()
    servers: tuple[NamedServer, ...]
    coming: tuple[str, ...] | None = None

    @property
    def server(self) -> NamedServer | None:
        """The one that is renamed; None when no server has either name."""
        found = self._by_either_name
        return found[0] if found else None

    @property
    def _by_either_name(self) -> tuple[NamedServer, ...]:
        return tuple(one for one in self.servers if one.name in {self.old, self.new})

    @property
    def impossible(self) -> str:
        """Why there is nothing to rename; empty when there is."""
        if self.old == self.new:
            return f"The old name and the new one are the same: {self.old}."
        found = self._by_either_name
        if not found:
            known = ", ".join(f"{one.name} ({one.labels})" for one in self.servers)
            return f"No server of this installation is called {self.old}; there are {known}."
        if len(found) > 1:
            other = next(one for one in found if one.name == self.new)
            return f"{self.new} is another server of this installation already ({other.labels})."
        return ""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that this installation needs, in their order."""
        if not self.secured:
            return ("named",)
        return RENAME_STEPS if self.permitted is not None else RENAME_STEPS[1:]

    @property
    def next_step(self) -> str:
        """The step whose turn it is; empty when all are done."""
        return next((step for step in self.steps if not self.done(step)), "")

    def done(self, step: str) -> bool:
        """Tell whether a step is done."""
        return not any(self.missing(step))

    def missing(self, step: str) -> tuple[str, ...]:
        """Return what keeps a step from being done, as sentences."""
        return tuple(self._missing(step))

    def _missing(self, step: str) -> Iterator[str]:
        match step:
            case "permitted":
                if self.permitted is False:
                    names = ", ".join(self.may_certify)
                    yield f"HUB's issuing authority may certify {names}, and names below them."
            case "allowed" | "forgotten":
                for one in self.servers:
                    yield from self._on_the_list(one, step)
            case "certified":
                yield from self._certified(self.new, False)
            case "named":
                for one in self.servers:
                    yield from self._named(one)
            case "reissued":
                yield from tuple(self._certified(self.old, True)) or self._recorded()

    def _on_the_list(self, one: NamedServer, step: str) -> Iterator[str]:
        if one.naming is None:
            yield f"{one.name} ({one.labels}) has not said whom it allows."
        elif step == "allowed" and self.new not in one.naming.allowed:
            yield f"{one.name} ({one.labels}) does not allow {self.new}."
        elif step == "forgotten" and self.old in one.naming.allowed:
            yield f"{one.name} ({one.labels}) still allows {self.old}."

    def _certified(self, name: str, unwanted: bool) -> Iterator[str]:
        one = self.server
        if one is None or not one.certified:
            who = one.name if one is not None else self.old
            yield f"{who} has not said for which names its certificate is."
        elif unwanted and name in one.certified:
            yield f"The certificate of {one.name} is still for {name}, too."
        elif not unwanted and name not in one.certified:
            yield f"The certificate of {one.name} is for {', '.join(one.certified)} only."

    def _recorded(self) -> Iterator[str]:
        """What was begun ends, also when it was taken back before it reached the server."""
        one, coming = self.server, self.coming
        if one is None or coming is None:
            return
        if set(coming) == set(one.certified):
            yield f"HUB waits for {one.name} to come with that certificate."
        else:
            yield f"HUB is to certify {one.name} for {', '.join(coming)} at its next renewal."

    def _named(self, one: NamedServer) -> Iterator[str]:
        if one.naming is None:
            yield f"{one.name} ({one.labels}) has not said by which names it calls the servers."
            return
        # A server with a name for each component may call itself by the one that stays.
        if one is self.server and _same(one.naming.server, self.old):
            yield f"{one.labels}'s server calls itself {one.naming.server}."
        for called in _calls(one.naming, self.old):
            yield f"{one.labels}'s server still calls {called}."
        if one.written is not None:
            yield from self._at_its_next_start(one, one.naming, one.written)

    def _at_its_next_start(self, one: NamedServer, now: Naming, then: Naming) -> Iterator[str]:
        """So it is when a renaming is taken back before the server was restarted."""
        who = f"{one.labels}'s server is to call"
        if one is self.server and not _same(now.server, self.old) and _same(then.server, self.old):
            yield f"{who} itself {self.old} from its next start on."
        for called in _calls(then, self.old):
            if called not in _calls(now, self.old):
                yield f"{who} {called} from its next start on."


def _calls(naming: Naming, name: str) -> tuple[str, ...]:
    """Return the partners whom a server calls by *name*."""
    found = (
        f"{_called(key).label} {name}"
        for given in (naming.dials, naming.expects)
        for key, host in given.items()
        if _same(host, name)
    )
    return tuple(dict.fromkeys(found))


def _called(key: str) -> Component:
    """Return the component that a key of *dials* or *expects* is about."""
    return Component(key.rpartition("-")[2])


def _same(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other
