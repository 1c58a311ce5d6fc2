"""Trust: which paths are found, and why there is none (T1-T11; SPEC W8, W11, W14)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from tests.conformance.chains.forge import Asked, Forge, Made

Build = Callable[["Forge", Any], "Asked"]


def _one(f: "Forge") -> tuple["Made", "Made", "Made"]:
    root = f.root()
    issuing = f.ca(root)
    return root, issuing, f.leaf(issuing)


def _direct(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    return f.ask(f.leaf(root), roots=[root])


def _with_root_sent(f: "Forge", k: Any) -> "Asked":
    root, issuing, leaf = _one(f)
    return f.ask(leaf, issuing, root, roots=[root])


def _any_order(f: "Forge", k: Any) -> "Asked":
    root, issuing, leaf = _one(f)
    junk = f.root("Junk")
    return f.ask(leaf, junk, root, issuing, issuing, leaf, f.leaf(junk, "x.test"), roots=[root])


def _partial(f: "Forge", k: Any) -> "Asked":
    _, issuing, leaf = _one(f)
    return f.ask(leaf, roots=[issuing])


def _partial_with_root_sent(f: "Forge", k: Any) -> "Asked":
    root, issuing, leaf = _one(f)
    return f.ask(leaf, root, roots=[issuing])


def _cross_signed(f: "Forge", k: Any) -> "Asked":
    old, new = f.root("Old"), f.root("New")
    bridge = f.ca(old, "New", key=new.key)
    return f.ask(f.leaf(new), bridge, new, roots=[old])


def _expired_cross_sign_beside_root(f: "Forge", k: Any) -> "Asked":
    one, two = f.root("Root One"), f.root("Root Two")
    old = f.ca(two, "Root One", key=one.key, end=f.at - f.day)
    return f.ask(f.leaf(one), old, roots=[two, one])


def _expired_twin_intermediate(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    good = f.ca(root)
    stale = f.ca(root, key=good.key, end=f.at - f.day)
    return f.ask(f.leaf(good), stale, good, roots=[root])


def _key_rollover(f: "Forge", k: Any) -> "Asked":
    old = f.root()
    new_under_old = f.ca(old, "Root One")
    return f.ask(f.leaf(new_under_old), new_under_old, roots=[old])


def _rolled_over_key_trusted_with_the_old_one(f: "Forge", k: Any) -> "Asked":
    old = f.root()
    new_under_old = f.ca(old, "Root One")
    return f.ask(f.leaf(new_under_old), roots=[new_under_old, old])


def _cycle_to_root(f: "Forge", k: Any) -> "Asked":
    a, b, c = f.root("A"), f.root("B"), f.root("C")
    a1 = f.ca(a, "A1")
    around = [
        f.ca(signer, bearer.name.rdns[0].rfc4514_string()[3:], key=bearer.key)
        for signer, bearer in ((b, a), (c, a), (a, b), (c, b), (a, c), (b, c))
    ]
    return f.ask(f.leaf(a1), a1, *around, roots=[a])


def _cycle_without_root(f: "Forge", k: Any) -> "Asked":
    one, two = f.root("Cycle One"), f.root("Cycle Two")
    first = f.ca(two, "Cycle One", key=one.key)
    second = f.ca(one, "Cycle Two", key=two.key)
    return f.ask(f.leaf(first), first, second, roots=[f.root("Elsewhere")])


def _same_name_cycle(f: "Forge", k: Any) -> "Asked":
    one, two = f.root("Twin"), f.root("Twin")
    first = f.ca(two, "Twin", key=one.key)
    second = f.ca(one, "Twin", key=two.key)
    return f.ask(f.leaf(first), first, second, roots=[f.root()])


def _two_roots_of_one_name(f: "Forge", k: Any) -> "Asked":
    old, new = f.root(), f.root()
    return f.ask(f.leaf(new), roots=[old, new])


def _unknown_ca(f: "Forge", k: Any) -> "Asked":
    return f.ask(f.leaf(f.root("Root Two")), roots=[f.root()])


def _unknown_ca_with_intermediate(f: "Forge", k: Any) -> "Asked":
    _, issuing, leaf = _one(f)
    return f.ask(leaf, issuing, roots=[f.root("Root Two")])


def _no_roots(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    return f.ask(f.leaf(root), roots=[])


def _intermediate_not_sent(f: "Forge", k: Any) -> "Asked":
    root, _, leaf = _one(f)
    return f.ask(leaf, roots=[root])


def _intermediate_not_sent_by_organisation(f: "Forge", k: Any) -> "Asked":
    root = f.root("Root", subject=k.named("Root", o="Example"))
    under = f.ca(root, "G2", subject=k.named("G2", o="Example"))
    return f.ask(f.leaf(under), roots=[root])


def _wrong_intermediate_sent(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    right, wrong = f.ca(root, "East"), f.ca(root, "West")
    return f.ask(f.leaf(right), wrong, roots=[root])


def _intermediate_named_by_key_identifier(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    under = f.ca(root, "G2")
    full = x509.AuthorityKeyIdentifier(
        x509.SubjectKeyIdentifier.from_public_key(under.key.public_key()).digest,
        [x509.DirectoryName(root.name)],
        under.cert.serial_number,
    )
    return f.ask(f.leaf(under, aki=full), roots=[root])


def _self_signed(f: "Forge", k: Any) -> "Asked":
    alone = f.make(k.Spec(subject=k.named("hub.test"), san=[k.dns("hub.test")]))
    return f.ask(alone, roots=[f.root()])


def _self_signed_and_trusted(f: "Forge", k: Any) -> "Asked":
    alone = f.make(k.Spec(subject=k.named("hub.test"), san=[k.dns("hub.test")]))
    return f.ask(alone, roots=[alone])


def _leaf_among_roots_only(f: "Forge", k: Any) -> "Asked":
    leaf = f.leaf(f.root("Root Two"))
    return f.ask(leaf, roots=[leaf])


def _untrusted_root_sent(f: "Forge", k: Any) -> "Asked":
    root, issuing, leaf = _one(f)
    return f.ask(leaf, issuing, root, roots=[f.root("Root Two")])


def _recreated_root_sent(f: "Forge", k: Any) -> "Asked":
    root, issuing, leaf = _one(f)
    return f.ask(leaf, issuing, root, roots=[f.root()])


def _recreated_root(f: "Forge", k: Any) -> "Asked":
    return f.ask(f.leaf(f.root()), roots=[f.root()])


def _recreated_root_without_identifiers(f: "Forge", k: Any) -> "Asked":
    return f.ask(f.leaf(f.root(), aki=None), roots=[f.root(ski=None)])


def _levels(f: "Forge", count: int, **more: Any) -> "tuple[list[Made], Made]":
    root = f.root()
    chain = [root]
    for level in range(count):
        chain.append(f.ca(chain[-1], f"Level {level}", **more))
    return [f.leaf(chain[-1]), *reversed(chain[1:])], root


def _eight_certificates(f: "Forge", k: Any) -> "Asked":
    chain, root = _levels(f, 6)
    return f.ask(*chain, roots=[root])


def _nine_certificates(f: "Forge", k: Any) -> "Asked":
    chain, root = _levels(f, 7)
    return f.ask(*chain, roots=[root])


def _flood(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    junk = f.root("Junk")
    many = [f.ca(junk, f"Junk {index}", key=junk.key) for index in range(70)]
    return f.ask(f.leaf(root), *many, roots=[root])


def _names_differ_in_case_and_blanks(f: "Forge", k: Any) -> "Asked":
    root = f.root("Root One")
    return f.ask(f.leaf(root, issuer=k.named("ROOT  one")), roots=[root])


def _identifier_of_another_key(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    other = x509.AuthorityKeyIdentifier.from_issuer_public_key(f.key().public_key())
    return f.ask(f.leaf(root, aki=other), roots=[root])


def _damaged_leaf_signature(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    return f.ask(f.leaf(root, signer=f.key()), roots=[root])


def _damaged_root(f: "Forge", k: Any) -> "Asked":
    root = f.root()
    forged = f.root(key=root.key, signer=f.key(), aki=None)
    return f.ask(f.leaf(root), roots=[forged])


def _empty(f: "Forge", k: Any) -> "Asked":
    return f.ask(roots=[f.root()])


def _many_causes(f: "Forge", k: Any) -> "Asked":
    leaf = f.leaf(f.root("Root Two"), "trk.test", end=f.at - f.day, usage=k.usage("key_agreement"))
    return f.ask(leaf, roots=[f.root()])


CASES: list[tuple[Build, tuple[str, ...]]] = [
    (_direct, ()),
    (_with_root_sent, ()),
    (_any_order, ()),
    (_partial, ()),
    (_partial_with_root_sent, ()),
    (_cross_signed, ()),
    (_expired_cross_sign_beside_root, ()),
    (_expired_twin_intermediate, ()),
    (_key_rollover, ()),
    (_rolled_over_key_trusted_with_the_old_one, ()),
    (_cycle_to_root, ()),
    (_two_roots_of_one_name, ()),
    (_eight_certificates, ()),
    (_names_differ_in_case_and_blanks, ()),
    (_identifier_of_another_key, ()),
    (_cycle_without_root, ("issuer-unknown",)),
    (_same_name_cycle, ("issuer-unknown",)),
    (_unknown_ca, ("issuer-unknown",)),
    (_unknown_ca_with_intermediate, ("issuer-unknown",)),
    (_no_roots, ("issuer-unknown",)),
    (_intermediate_not_sent, ("intermediate-missing",)),
    (_intermediate_not_sent_by_organisation, ("intermediate-missing",)),
    (_wrong_intermediate_sent, ("intermediate-missing",)),
    (_intermediate_named_by_key_identifier, ("intermediate-missing",)),
    (_self_signed, ("self-signed",)),
    (_self_signed_and_trusted, ("self-signed",)),
    (_leaf_among_roots_only, ("issuer-unknown",)),
    (_untrusted_root_sent, ("root-untrusted",)),
    (_recreated_root_sent, ("signature-mismatch",)),
    (_recreated_root, ("signature-mismatch",)),
    (_recreated_root_without_identifiers, ("signature-mismatch",)),
    (_damaged_leaf_signature, ("signature-mismatch",)),
    (_damaged_root, ("malformed-certificate",)),
    (_nine_certificates, ("chain-too-long",)),
    (_flood, ("chain-too-long",)),
    (_empty, ("chain-empty",)),
    (
        _many_causes,
        ("issuer-unknown", "certificate-expired", "name-mismatch", "key-usage"),
    ),
]


@pytest.mark.parametrize(
    ("build", "codes"), [pytest.param(*case, id=case[0].__name__) for case in CASES]
)
def test_a_chain_gets_exactly_these_codes(
    forge: "Forge",
    kit: Any,
    openssl: "Callable[[Asked], str]",
    build: Build,
    codes: tuple[str, ...],
) -> None:
    """The exact codes, in order; every fault says what and what next.

    What passes here passes OpenSSL too, but for the few cases that the fixture names.
    """
    asked = build(forge, kit)
    verdict = asked.verdict()

    assert verdict.codes == codes
    if verdict.valid:
        assert openssl(asked) == ""
    assert verdict.valid is (not codes)
    assert all(fault.why and fault.hint and fault.presented for fault in verdict.faults)


def test_a_partial_chain_is_named_with_its_absent_root(forge: "Forge", kit: Any) -> None:
    """T11: only the intermediate is trusted; it works here, and elsewhere it may not."""
    verdict = _partial(forge, kit).verdict()

    assert [fault.code for fault in verdict.warnings] == ["partial-chain"]
    assert "'Root One'" in verdict.warnings[0].why


def test_the_path_is_told_from_leaf_to_anchor(forge: "Forge", kit: Any) -> None:
    root, issuing, leaf = _one(forge)

    verdict = forge.ask(leaf, root, issuing, roots=[root]).verdict()

    assert verdict.path == (leaf.cert, issuing.cert, root.cert)


def test_both_keys_of_a_recreated_authority_are_shown(forge: "Forge", kit: Any) -> None:
    """T8: same name, two keys; both fingerprints stand in the message."""
    old, new = forge.root(), forge.root()

    fault = forge.ask(forge.leaf(new), new, roots=[old]).verdict().faults[0]

    assert fault.code == "signature-mismatch"
    assert fault.expected != fault.presented
    assert "Root One" in fault.why


@pytest.mark.parametrize("look_alikes", [4, 6])
def test_look_alikes_with_keys_of_their_own_do_not_explode(
    forge: "Forge", kit: Any, look_alikes: int
) -> None:
    """Levels of look-alikes multiply to thousands of paths; the search stays within its limits."""
    root, stranger = forge.root(), forge.root("Stranger")
    level = [stranger] * look_alikes
    crowd: list[Made] = []
    for depth in range(6):
        level = [forge.ca(signer, f"Level {depth}") for signer in level]
        crowd += level
    forbidden = kit.constraints(excluded=[kit.dns("test")])
    bridge = [forge.ca(root, "Stranger", key=stranger.key, constraints=forbidden)]

    verdict = forge.ask(forge.leaf(level[0]), *crowd, *bridge, roots=[root]).verdict()

    assert not verdict.valid


def test_one_key_at_every_level_does_not_explode(forge: "Forge", kit: Any) -> None:
    """Every certificate of a level may have issued every one of the next: 4^6 paths."""
    root = forge.root()
    signer = root
    crowd: list[Made] = []
    for depth in range(6):
        key = forge.key()
        level = [forge.ca(signer, f"Level {depth}", key=key) for _ in range(4)]
        crowd += level
        signer = level[0]
    limited = forge.root(
        key=root.key, constraints=kit.constraints(excluded=[kit.dns("test")]), serial=1
    )

    verdict = forge.ask(forge.leaf(signer), *crowd, roots=[limited]).verdict()
    good = forge.ask(forge.leaf(signer), *crowd, roots=[root]).verdict()

    assert verdict.codes == ("name-constraint",)
    assert good.valid
