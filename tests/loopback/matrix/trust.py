"""Rows T: the chain, and whom the two sides trust."""

from dataclasses import replace

from tests.conformance.chains.forge import constraints, dns
from tests.loopback.matrix.rows import Row, Seen
from tests.loopback.matrix.stage import HUB, LUI, Stage, certified, channel

from sottovoce.keystore import PrivateKeyEntry
from sottovoce.testing import Party, ThrowAwayAuthority
from sottovoce.tls.contexts import calling_context

__all__ = ["ROWS"]


def _bare(at: Stage) -> Party:
    """A caller that has no certificate to show."""
    lui = at.lui()
    assert lui.generation is not None
    bare = calling_context(None, (at.authority.root,))
    return Party(LUI, replace(lui.generation, calling=bare))


def _without_intermediate(at: Stage, name: str) -> PrivateKeyEntry:
    between = at.between("Intermediate One")
    return at.odd(name, by=between)


def _hub_trusting_its_intermediate(at: Stage) -> Party:
    """The trap: OpenSSL would complete what is sent from the sender's own trusted roots."""
    between = at.between("Intermediate One")
    return at.hub(at.odd(HUB, by=between), trusts=[at.authority.root, between.cert])


def _self_signed(at: Stage, name: str) -> PrivateKeyEntry:
    key = at.forge.key()
    made = at.forge.leaf(at.root, name, **at.dated({"key": key, "signer": key, "issuer": None}))
    return PrivateKeyEntry(key, (made.cert,))


def _anew(at: Stage) -> ThrowAwayAuthority:
    """The installation's CA, made again under the same name."""
    return ThrowAwayAuthority(at=at.moment)


def _beyond_the_path(at: Stage) -> PrivateKeyEntry:
    from cryptography import x509

    upper = at.between("Upper", basic=x509.BasicConstraints(True, 0))
    lower = at.between("Lower", by=upper)
    return at.odd(HUB, by=lower, above=[lower, upper])


def _by_a_server(at: Stage) -> PrivateKeyEntry:
    signer = at.forge.leaf(at.root, "signer.test", **at.dated({}))
    return at.odd(HUB, by=signer, above=[signer])


def _outside(at: Stage) -> PrivateKeyEntry:
    between = at.between("Elsewhere", constraints=constraints([dns("elsewhere.test")]))
    return at.odd(HUB, by=between, above=[between])


async def _played_with_a_partial_chain(stage: Stage) -> Seen:
    between = stage.between("Intermediate One")
    identity = stage.odd(HUB, by=between, above=[between])
    return await channel(
        hub=lambda at: at.hub(identity), lui=lambda at: at.lui(trusts=[between.cert])
    )(stage)


ROWS = (
    Row(
        id="T2",
        cause="HUB's root is not known to LUI",
        made=channel(hub=lambda at: at.hub(at.issue(HUB, by=at.stranger))),
        accepting=("root-untrusted", "root-untrusted"),
        calling="root-untrusted",
        told=("alert unknown_ca", "root-untrusted"),
        says=("'Stranger'", "'Throw-away root'", "SHA-256"),
    ),
    Row(
        id="T3",
        cause="LUI's root is not known to HUB",
        made=channel(lui=lambda at: at.lui(at.issue(LUI, by=at.stranger))),
        accepting=("root-untrusted",),
        calling="root-untrusted",
        told=("alert unknown_ca", "root-untrusted"),
        says=("'Stranger'", "'Throw-away root'", "SHA-256"),
    ),
    Row(
        id="T4",
        cause="LUI has no certificate",
        made=channel(lui=_bare),
        accepting=("no-certificate",),
        calling="no-certificate",
        told=("alert certificate_required", "no-certificate"),
        says=("keystore with a private key",),
    ),
    Row(
        id="T5",
        cause="HUB does not send its intermediate",
        made=channel(hub=lambda at: at.hub(_without_intermediate(at, HUB))),
        accepting=("intermediate-missing", "intermediate-missing"),
        calling="intermediate-missing",
        told=("alert unknown_ca", "intermediate-missing"),
        says=("'Intermediate One'",),
    ),
    Row(
        id="T5",
        cause="HUB does not send its intermediate, and trusts it: the trap",
        made=channel(hub=_hub_trusting_its_intermediate),
        accepting=("intermediate-missing", "intermediate-missing"),
        calling="intermediate-missing",
        told=("alert unknown_ca", "intermediate-missing"),
        says=("'Intermediate One'",),
    ),
    Row(
        id="T5",
        cause="LUI does not send its intermediate",
        made=channel(lui=lambda at: at.lui(_without_intermediate(at, LUI))),
        accepting=("intermediate-missing",),
        calling="intermediate-missing",
        told=("alert unknown_ca", "intermediate-missing"),
        says=("'Intermediate One'",),
    ),
    Row(
        id="T6",
        cause="HUB still has its temporary certificate",
        made=channel(hub=lambda at: at.hub(_self_signed(at, HUB))),
        accepting=("self-signed", "self-signed"),
        calling="self-signed",
        told=("alert unknown_ca", "self-signed"),
        says=("temporary self-signed certificate",),
    ),
    Row(
        id="T6",
        cause="LUI still has its temporary certificate",
        made=channel(lui=lambda at: at.lui(_self_signed(at, LUI))),
        accepting=("self-signed",),
        calling="self-signed",
        told=("alert unknown_ca", "self-signed"),
        says=("temporary self-signed certificate",),
    ),
    Row(
        id="T7",
        cause="HUB sends its own root along",
        made=channel(
            hub=lambda at: at.hub(
                at.odd(HUB, by=certified(at.stranger), above=[certified(at.stranger)])
            )
        ),
        accepting=("root-untrusted", "root-untrusted"),
        calling="root-untrusted",
        told=("alert unknown_ca", "root-untrusted"),
        says=("ends in the root 'Stranger'",),
    ),
    Row(
        id="T8",
        cause="HUB's certificate is by a CA of the same name and another key",
        made=channel(
            hub=lambda at: at.hub(at.odd(HUB, by=certified(_anew(at)), aki=None)),
        ),
        accepting=("signature-mismatch", "signature-mismatch"),
        calling="signature-mismatch",
        told=("alert decrypt_error", "signature-mismatch"),
        says=("'Throw-away root'", "not the same key"),
    ),
    Row(
        id="T8",
        cause="LUI's certificate is by a CA of the same name and another key",
        made=channel(lui=lambda at: at.lui(at.issue(LUI, by=_anew(at)))),
        accepting=("signature-mismatch",),
        calling="signature-mismatch",
        told=("alert unknown_ca", "signature-mismatch"),
        says=("'Throw-away root'", "not the same key"),
    ),
    Row(
        id="T9",
        cause="HUB's certificate is signed by a server's",
        made=channel(hub=lambda at: at.hub(_by_a_server(at))),
        accepting=("not-a-ca", "not-a-ca"),
        calling="not-a-ca",
        told=("alert unknown_ca", "not-a-ca"),
        says=("signer.test",),
    ),
    Row(
        id="T9",
        cause="more CAs than the upper one permits",
        made=channel(hub=lambda at: at.hub(_beyond_the_path(at))),
        accepting=("path-too-long", "path-too-long"),
        calling="path-too-long",
        told=("alert unknown_ca", "path-too-long"),
        says=("'Upper'",),
    ),
    Row(
        id="T9",
        cause="a CA for other names",
        made=channel(hub=lambda at: at.hub(_outside(at))),
        accepting=("name-constraint", "name-constraint"),
        calling="name-constraint",
        told=("alert certificate_unknown", "name-constraint"),
        says=("elsewhere.test", HUB),
    ),
    Row(
        id="T11",
        cause="LUI trusts the intermediate only: it works (check warns)",
        made=_played_with_a_partial_chain,
    ),
)
