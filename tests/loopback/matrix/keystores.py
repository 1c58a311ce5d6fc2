"""Rows K, T and X that lie in a keystore, and keytool's."""

import os
from typing import Any

from tests.cli.test_check import Case
from tests.loopback.matrix.homes import damaged, keytool, prepared
from tests.loopback.matrix.rows import Row

from sottovoce.ini import Secret
from sottovoce.keystore import Keystore, PrivateKeyEntry, StoreFormat
from sottovoce.keystore import dumps as keystore_bytes

__all__ = ["ROWS"]

#: A store with a key, another with a CA, and the CA's reply to the key's request.
S, CA = "-keystore @s.p12 -storepass changeit", "-keystore @ca.p12 -storepass changeit"
KEY = f"-genkeypair -alias srv -keyalg EC -dname CN=hub.test -ext san=dns:hub.test {S}"
SIGNED = (
    f"-genkeypair -alias ca -keyalg EC -dname 'CN=Root One' -ext bc:c=ca:true {CA}",
    f"-exportcert -alias ca -rfc -file @ca.crt {CA}",
    KEY,
    f"-certreq -alias srv -file @srv.csr {S}",
    f"-gencert -alias ca -infile @srv.csr -outfile @srv.crt -rfc -ext honored=all {CA}",
)
ROOT = f"-importcert -alias root -file @ca.crt -noprompt {S}"
REPLY = f"-importcert -alias srv -file @srv.crt {S}"


def _key_locked(case: Case) -> None:
    """A JKS store whose key has a password of its own."""
    entry = case.authority.issue(case.home.name)
    _write_jks(case, PrivateKeyEntry(entry.key, entry.chain, password=Secret("another-password")))


def _write_jks(case: Case, entry: PrivateKeyEntry) -> None:
    store = Keystore(entries={"server": entry}, format=StoreFormat.JKS)
    data = keystore_bytes(store, case.home.password, format=StoreFormat.JKS)
    case.home.keystore.write_bytes(data)


def _unreadable(case: Case) -> None:
    """Not to be read: by its mode, or, for a user who may read all, because it is a folder."""
    if os.geteuid():
        case.home.keystore.chmod(0)
        return
    case.home.keystore.unlink()
    case.home.keystore.mkdir(mode=0o700)


def _damaged(case: Case) -> None:
    data = bytearray(case.home.keystore.read_bytes())
    data[20:24] = b"\xff\xff\xff\xff"
    case.home.keystore.write_bytes(data)


def _ca_first(case: Case) -> None:
    """The chain begins with the CA: the first certificate is for another key."""
    entry = case.authority.issue(case.home.name)
    chain = (case.authority.root, entry.certificate)
    _write_jks(case, PrivateKeyEntry(entry.key, chain))


def _refused(id: str, cause: str, code: str, *lines: str, **more: Any) -> Row:  # noqa: A002
    return Row(id=id, cause=cause, made=keytool(*lines), found=("", code), **more)


def _found(id: str, name: str, code: str, starts: str | None = None) -> Row:  # noqa: A002
    """A prepared fault, by the name that it has in check's tests."""
    return Row(
        id=id, cause=name, made=prepared(name), found=(code, code if starts is None else starts)
    )


ROWS = (
    _refused("T1", "the reply before its root", "root-missing-for-reply", *SIGNED, REPLY),
    _found("T5", "no intermediate", "intermediate-missing"),
    _found("T5", "the intermediate only in the roots", "intermediate-missing", ""),
    _found("T6", "still self-signed", "self-signed"),
    _found("T10", "no key identifier", "strict-profile", ""),
    _found("T11", "only the intermediate trusted", "partial-chain", ""),
    _found("N5", "an address as a DNS name", "address-as-dns-name", ""),
    _found("N6", "no alternative name", "no-subject-alternative-name"),
    _found("V1", "expired", "certificate-expired"),
    _found("V2", "the root expired", "issuer-expired"),
    _found("V5", "soon expired", "certificate-expiring", ""),
    _found("R3", "a list of another CA", "revocation-unknown"),
    _found("R4", "a list soon too old", "revocation-list-expiring", ""),
    _found("X3", "roots as keystore", "keystore-no-key"),
    _found("X7", "a server only", "purpose-client-missing"),
    _found("K1", "another password", "keystore-wrong-password"),
    Row(
        id="K2",
        cause="the key has a password of its own",
        made=damaged(_key_locked),
        found=("keystore-entry-locked", "keystore-entry-locked"),
    ),
    _found("K3", "no keystore", "keystore-missing"),
    Row(
        id="K4",
        cause="not to be read",
        made=damaged(_unreadable),
        found=("file-unreadable", "file-unreadable"),
    ),
    _found("K5", "cut off", "keystore-truncated"),
    _found("K5", "an empty keystore", "keystore-empty"),
    Row(
        id="K5",
        cause="altered octets",
        made=damaged(_damaged),
        found=("keystore-damaged", "keystore-damaged"),
    ),
    _found("K6", "PEM instead", "keystore-format"),
    _found("K7", "several keys", "keystore-several-keys"),
    _found("K8", "roots as keystore", "keystore-no-key"),
    _found("K9", "the key of another", "keystore-key-mismatch"),
    Row(
        id="K9",
        cause="the CA's certificate first",
        made=damaged(_ca_first),
        found=("keystore-key-mismatch", "keystore-key-mismatch"),
    ),
    _refused(
        "K10",
        "the key was made again after the request",
        "reply-wrong-key",
        *SIGNED,
        f"-delete -alias srv {S}",
        KEY,
        ROOT,
        REPLY,
    ),
    _found("K11", "the reply astray", "reply-wrong-alias"),
    _refused(
        "K11",
        "the reply under a new alias",
        "reply-wrong-alias",
        *SIGNED,
        ROOT,
        f"-importcert -alias reply -file @srv.crt -noprompt {S}",
    ),
    _found("K12", "ssl.ini open to all", "file-not-owner-only"),
    _found("K12", "keystore open to all", "file-not-owner-only"),
    _refused(
        "K13",
        "a keystore where the certificate should be",
        "certificate-malformed",
        KEY,
        f"-importcert -alias root -file @s.p12 -noprompt {S}",
    ),
    _refused(
        "K14",
        "the reply is there already",
        "reply-identical",
        *SIGNED,
        ROOT,
        REPLY,
        REPLY,
    ),
    _refused("K14", "the alias is taken", "alias-taken", *SIGNED, ROOT, ROOT),
    _refused("K14", "no such alias", "alias-missing", KEY, f"-delete -alias x {S}"),
    _refused(
        "K14", "a short password", "password-too-short", f"{KEY.replace('changeit', 'short')}"
    ),
    _refused("K14", "no algorithm", "keytool-usage", KEY.replace("-keyalg EC", "")),
)
