from collections.abc import Callable
from types import SimpleNamespace

import pytest

from sottovoce.tls import Broken, Evidence, Problem, Side, TrustGeneration, faults_of
from sottovoce.tls.engine import UNREADABLE

Make = Callable[..., Evidence]


def test_a_problem_of_the_chain_is_looked_at_again(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    """B.0: OpenSSL's number is coarser than what the certificates show."""
    chain = identities.foreign.chain
    broken = Broken(
        problems=(Problem(number=20, depth=0, certificate=chain[0]),),
        chain=chain,
        alert_sent="unknown_ca",
    )
    (fault,) = faults_of(broken, evidence(chain=()), generation)
    assert fault.code == "root-untrusted"


@pytest.mark.parametrize(
    ("side", "number", "code"),
    [
        (Side.ACCEPTING, 26, "purpose-client-missing"),
        (Side.CALLING, 26, "purpose-server-missing"),
        (Side.ACCEPTING, 66, "weak-key"),
        (Side.ACCEPTING, 9999, "handshake-failed"),
    ],
)
def test_where_we_find_nothing_the_word_of_openssl_counts(
    side: Side,
    number: int,
    code: str,
    evidence: Make,
    generation: TrustGeneration,
    identities: SimpleNamespace,
) -> None:
    problem = Problem(number=number, depth=0, certificate=identities.lui.chain[0])
    broken = Broken(problems=(problem,), chain=identities.lui.chain)
    (fault,) = faults_of(broken, evidence(side, chain=()), generation)
    assert (fault.code, fault.presented) == (code, f"verify error {number}")


def test_without_a_chain_the_certificates_of_the_problems_are_looked_at(
    evidence: Make, generation: TrustGeneration, identities: SimpleNamespace
) -> None:
    leaf = identities.expired.chain[0]
    broken = Broken(problems=(Problem(number=10, depth=0, certificate=leaf),))
    codes = [fault.code for fault in faults_of(broken, evidence(chain=()), generation)]
    assert codes == ["certificate-expired"]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (Broken(alert_received="certificate_required"), "no-certificate"),
        # Our certificate is good: what is left is that our root is not trusted there.
        (
            Broken(alert_received="unknown_ca", reasons=("tlsv1 alert unknown ca",)),
            "root-untrusted",
        ),
        (Broken(alert_received="internal_error"), "refused-by-peer"),
        (Broken(reasons=("peer did not return a certificate",)), "no-certificate"),
        (Broken(reasons=("unsupported protocol",)), "protocol-version"),
        (Broken(reasons=("no shared cipher",)), "no-common-cipher"),
        (Broken(reasons=("http request",)), "http-peer"),
        (Broken(reasons=(UNREADABLE, "ValueError")), "malformed-certificate"),
        (Broken(reasons=("something else", "wrong version number")), "foreign-service"),
        (Broken(reasons=("something else",)), "handshake-failed"),
        (Broken(alert_received="close_notify"), "handshake-failed"),
    ],
)
def test_what_has_nothing_to_do_with_a_certificate_has_its_code(
    broken: Broken, code: str, evidence: Make, generation: TrustGeneration
) -> None:
    (fault,) = faults_of(broken, evidence(chain=()), generation)
    assert fault.code == code
    assert fault.hint
