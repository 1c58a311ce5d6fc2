"""The conversation with the authority, by the library ``acme``: account, order, proof, certificate.

Owns that library: it is imported here and nowhere else, and what it raises is turned into errors
with the authority's own words in them. It blocks; nothing of a running server is here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from sottovoce import __version__
from sottovoce.errors import FormatError, IssuanceError
from sottovoce.ini import Secret, shown
from sottovoce.pki import load_certificates
from sottovoce.server.outside.orders import Account, Order
from sottovoce.server.outside.proofs import Proofs
from sottovoce.server.public_roots import system_list

__all__ = ["Authority"]

#: Seconds for one request.
PATIENCE = 30
_GONE = "accountDoesNotExist"


class Authority:
    """An authority that speaks ACME, for one order.

    Args:
        order: what is wanted, and where.
        account: with it.
    """

    def __init__(self, order: Order, account: Account) -> None:
        self._order = order
        self._account = account
        key = account.key()
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IssuanceError(
                f"{account.key_file} holds another kind of key than the one made for it.",
                code="acme-refused",
                hint="Move it away; another account is made then.",
            )
        self._key = JWKEC(key=key)
        self._net = client.ClientNetwork(
            self._key,
            alg=ES256,  # by a key on P-256 (RFC 7518 3.4)
            verify_ssl=_roots(order),  # type: ignore[arg-type]  # a path is what requests takes
            user_agent=f"sottovoce/{__version__}",
            timeout=PATIENCE,
        )
        with self._told():
            self._directory = client.ClientV2.get_directory(order.directory, self._net)
            self._client = client.ClientV2(self._directory, self._net)

    @property
    def terms(self) -> str:
        """The address of its terms of service; empty when it has none."""
        meta = self._directory.meta
        return str(meta.terms_of_service or "") if meta is not None else ""

    def log_in(self, *, agreed: bool, outside_key: Secret | None) -> None:
        """Use the account, or make one.

        Args:
            agreed: whether the terms of service are agreed to.
            outside_key: of an account outside of ACME.

        Raises:
            IssuanceError: it needs agreement, or the authority declines.
        """
        if self._account.address:
            self._net.account = _known(self._account.address)
            return
        if self.terms and not agreed:
            raise IssuanceError(
                f"The authority wants its terms of service to be agreed to: {shown(self.terms)}",
                code="acme-terms",
                hint="Read them, and repeat the command with --agree-terms.",
            )
        with self._told():
            binding = self._binding(outside_key)
            new = messages.NewRegistration.from_data(
                email=",".join(self._order.contact) or None,
                terms_of_service_agreed=agreed or None,
                external_account_binding=binding,
            )
            try:
                registered = self._client.new_account(new)
            except errors.ConflictError as known:
                registered = self._net.account = _known(known.location)
        self._account.remember(str(registered.uri))

    def _binding(self, outside_key: Secret | None) -> dict[str, Any] | None:
        if outside_key is None:
            if self._client.external_account_required():
                raise IssuanceError(
                    "The authority wants an account outside of ACME (RFC 8555 7.3.4).",
                    code="acme-refused",
                    hint="Get one there, and give --eab-key-id and --eab-key-file.",
                )
            return None
        try:
            bound: dict[str, Any] = messages.ExternalAccountBinding.from_data(
                account_public_key=self._key.public_key(),
                kid=self._order.eab_key_id,
                hmac_key=outside_key.reveal(),
                directory=self._directory,
            )
        except (ValueError, TypeError, JoseError):
            # The cause is left out: its text may show the key.
            raise IssuanceError(
                f"{self._order.eab_key_file} holds no key of an account outside of ACME.",
                code="acme-refused",
                hint="It is text in base64url, one line, as the authority gave it.",
            ) from None
        return bound

    def certify(
        self, request: x509.CertificateSigningRequest, proofs: Proofs
    ) -> tuple[x509.Certificate, ...]:
        """Order, prove, and fetch the certificate with its chain, leaf first.

        Raises:
            IssuanceError: the authority declines, cannot be reached, or did not find the proof.
        """
        pem = request.public_bytes(Encoding.PEM)
        with self._told():
            ordered = self._again_if_forgotten(lambda: self._client.new_order(pem))
            for authorization in ordered.authorizations:
                if authorization.body.status != messages.STATUS_VALID:
                    self._prove(authorization, proofs)
            final = self._client.poll_and_finalize(ordered)
        try:
            return tuple(load_certificates(final.fullchain_pem.encode(), source="the authority"))
        except FormatError as error:
            raise IssuanceError(
                f"What the authority sent is no chain of certificates: {error}",
                code="acme-refused",
                hint="Try again later; the old certificate stays.",
            ) from error

    def _again_if_forgotten(self, act: Callable[[], Any]) -> Any:
        """Say clearly that the authority no longer knows the account, and forget it here too."""
        try:
            return act()
        except messages.Error as error:
            if error.code == _GONE:
                self._account.remember("")
            raise

    def _prove(self, authorization: Any, proofs: Proofs) -> None:
        for challenge in authorization.body.challenges:
            if isinstance(challenge.chall, challenges.HTTP01):
                answer, shown_there = challenge.chall.response_and_validation(self._key)
                proofs[challenge.chall.path] = shown_there.encode()
                self._client.answer_challenge(challenge, answer)
                return
        name = authorization.body.identifier.value
        raise IssuanceError(
            f"The authority does not offer http-01 for {shown(name)}.",
            code="acme-refused",
            hint="Wildcards need a proof by DNS, which is not made here; name the hosts.",
        )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the library raises into our errors."""
        try:
            yield
        except errors.ValidationError as error:
            raise _not_proved(error, self._order) from error
        except messages.Error as error:
            raise _declined(error) from error
        except errors.IssuanceError as error:
            raise _declined(error.error) from error
        except errors.TimeoutError as error:
            raise self._unreachable("it has not finished the order within 90 seconds") from error
        except (requests.RequestException, errors.Error, JoseError) as error:
            raise self._unreachable(_first_line(error)) from error

    def _unreachable(self, why: str) -> IssuanceError:
        host = urlsplit(self._order.directory).netloc
        return IssuanceError(
            f"The authority at {shown(host)} cannot be used: {shown(why)}.",
            code="acme-unreachable",
            hint="Compare --directory with what it publishes; a root of its own goes to --ca-file.",
        )


def _roots(order: Order) -> str | bool:
    """Return the file with the roots for the directory's TLS: what the operating system trusts."""
    if order.ca_file:
        return order.ca_file
    listed: Path | None = system_list()
    return str(listed) if listed is not None else True


def _known(address: str | None) -> messages.RegistrationResource:
    return messages.RegistrationResource(uri=address, body=messages.Registration())


def _first_line(error: Exception) -> str:
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return (str(reason).splitlines() or [type(error).__name__])[0]


def _declined(error: messages.Error) -> IssuanceError:
    details = [error, *(error.subproblems or ())]
    said = "; ".join(shown(str(each.detail or each.description or each.typ)) for each in details)
    return IssuanceError(
        f"The authority declines ({shown(str(error.code or error.typ))}): {said}",
        code="acme-refused",
        hint="Its words say why; 'rateLimited' means to wait, the old certificate stays."
        if error.code != _GONE
        else "Repeat the command; another account is made then.",
    )


def _not_proved(error: errors.ValidationError, order: Order) -> IssuanceError:
    reasons = []
    for authorization in error.failed_authzrs:
        name = authorization.body.identifier.value
        found = [each.error.detail for each in authorization.body.challenges if each.error]
        reasons += [f"{shown(name)}: {shown(str(detail))}" for detail in found]
    return IssuanceError(
        f"The authority did not find the proof: {'; '.join(reasons) or 'it does not say why'}",
        code="acme-not-proved",
        hint="It asks http://NAME/.well-known/acme-challenge/… on port 80: the name must lead to "
        f"this server, and port 80 there to {order.address}:{order.port} here.",
    )
