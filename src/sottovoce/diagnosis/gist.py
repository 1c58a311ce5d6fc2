"""The gist of a line: which things it speaks of, and what it says of them.

For programs whose very words the catalogue does not have. A rule names groups of words; a line fits
when it has a word of each group, in any order. This module owns the rules and their application;
it is asked only where no text of the catalogue was found, and is never as sure as one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sottovoce.diagnosis.entry import clean, veiled
from sottovoce.diagnosis.matching import Found, Prepared

__all__ = ["RULES", "Rule", "gists_in"]

#: The longest line that is read, in characters; a sentence that reports an error is shorter.
LINE_LIMIT = 600


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a line may say.

    Args:
        code: of the entry.
        weight: 0..1; below the weights of texts that are known word for word.
        groups: of each, one word or phrase must stand in the line; ``|`` between alternatives;
            ``expir*`` fits "expired" and "expiration".
    """

    code: str
    weight: float
    groups: tuple[str, ...]


_CERTIFICATE = "certificate|cert|certs|x509|x.509"
_TLS = "tls|ssl|handshake|https"
_NOT = (
    "not|no|cannot|can't|couldn't|unable|fail|failed|failure|doesn't|didn't|don't|isn't|without"
    "|missing|never"
)
_WRONG = "wrong|incorrect|invalid|bad|mismatch|not match|did not match|failed|failure"
_DIFFER = (
    "mismatch|not match|n't match|different|differ|differs|inconsistent|!='|not correspond"
    "|not belong|not valid for|name is wrong|invalid host"
)

#: The specific before the general: of one line only the first rule that fits speaks for its group.
RULES: tuple[Rule, ...] = (
    Rule(
        "revocation-list-expired", 0.6, ("crl|revocation list", "expir*|outdated|out of date|old")
    ),
    Rule("revocation-unknown", 0.6, ("crl|ocsp|revocation", _NOT + "|offline|unknown|unavailable")),
    Rule("revoked", 0.6, (_CERTIFICATE, "revok*")),
    Rule("not-yet-valid", 0.6, (_CERTIFICATE, "not yet|in the future|not before|notbefore")),
    Rule(
        "issuer-expired", 0.62, ("ca certificate|root certificate|intermediate|issuer", "expired")
    ),
    Rule("certificate-expired", 0.6, (_CERTIFICATE, "expired|out of date|notafter|not after")),
    Rule("clock-skew", 0.55, ("clock|system time|ntp", "skew|differ|drift|wrong|behind|ahead")),
    Rule("self-signed", 0.58, (_CERTIFICATE, "self signed|self-signed|selfsigned")),
    Rule(
        "name-mismatch",
        0.6,
        (
            (
                "hostname|host name|dns|altname|altnames|subjectaltname|subject name|common name"
                "|commonname|san|cn|server name|verificationerror|host"
            ),
            _DIFFER,
        ),
    ),
    Rule("keystore-key-mismatch", 0.6, ("private key|key", _CERTIFICATE, _DIFFER)),
    Rule("weak-key", 0.55, ("key|rsa|modulus", "too small|too short|too weak|insecure|bits")),
    Rule("weak-signature", 0.55, ("sha1|md5|signature|digest", "weak|insecure|disabled")),
    Rule(
        "purpose-client-missing",
        0.5,
        ("extended key usage|eku|clientauth|purpose", _NOT + "|unsuitable|unsupported|invalid"),
    ),
    Rule("key-usage", 0.5, ("key usage|keyusage", _NOT + "|invalid|inadequate")),
    Rule(
        "no-certificate",
        0.55,
        (
            "client|peer",
            _CERTIFICATE,
            (
                "required|missing|not provide|n't provide|not present|not sent|no certificate"
                "|without|did not send|not supplied|no client|no ssl certificate"
            ),
        ),
    ),
    Rule(
        "intermediate-missing",
        0.55,
        ("chain|intermediate", "incomplete|missing|not sent|broken|partial"),
    ),
    Rule(
        "issuer-unknown",
        0.55,
        (
            _CERTIFICATE + "|ca|issuer|authority|root|signer",
            (
                "untrusted|not trusted|n't trusted|not trust|n't trust|unknown|unrecognized"
                "|not recognized|verify|verification|validation|validate|verified"
            ),
            _NOT + "|untrusted|unknown|unrecognized|error|revoked",
        ),
    ),
    Rule(
        "key-wrong-password",
        0.58,
        (
            "private key|certificate key|key file|.key|pem",
            "bad decrypt|passphrase|pass phrase|password|decrypt",
            _WRONG + "|bad decrypt|unable",
        ),
    ),
    Rule(
        "keystore-wrong-password",
        0.57,
        (
            "keystore|key store|truststore|pkcs12|pkcs#12|p12|pfx|jks",
            "password|mac|decrypt",
            _WRONG,
        ),
    ),
    Rule(
        "keystore-missing",
        0.55,
        (
            "keystore|key store|truststore|.jks|.p12|.pfx",
            "not found|not exist|no such|missing|cannot find",
        ),
    ),
    Rule(
        "alias-missing",
        0.55,
        ("alias", "not found|not exist|unknown|no such|does not|not identify"),
    ),
    Rule("alias-taken", 0.55, ("alias|entry", "already exists|overwrite|in use")),
    Rule("port-in-use", 0.58, ("port|address|bind|listen", "in use|already bound|occupied")),
    Rule(
        "peer-not-secured",
        0.55,
        (
            "server|remote|peer|endpoint",
            _TLS,
            (
                "not support it|not support ssl|not support tls|plaintext|plain text|unencrypted"
                "|not enabled|not an ssl|not a tls"
            ),
        ),
    ),
    Rule(
        "plaintext-peer",
        0.55,
        (
            (
                "insecure|plaintext|plain text|unencrypted|non-ssl|non-tls|unsecured"
                "|only allow ssl|only allow tls|only accepts ssl|only accepts tls"
            ),
            (
                "prohibited|not allowed|rejected|refused|required|received|traffic|connection"
                "|connections|forbidden"
            ),
        ),
    ),
    Rule(
        "no-common-cipher",
        0.55,
        (
            "cipher|ciphers|ciphersuite|signature algorithm|curve|group",
            (
                "no common|no shared|none|mismatch|not match|no overlap|unsupported|no matching"
                "|in common"
            ),
        ),
    ),
    Rule(
        "protocol-version",
        0.55,
        (
            _TLS,
            "version|protocol|tlsv1|sslv3",
            "unsupported|not supported|n't support|too old|too low|disabled|obsolete|not enabled",
        ),
    ),
    Rule("tls-not-started", 0.5, ("handshake", "timeout|timed out|time out")),
    Rule(
        "no-answer", 0.5, ("connect|connection|connecting|dial|host", "timeout|timed out|time out")
    ),
    Rule("connection-refused", 0.55, ("connect|connection|connecting|port", "refused")),
    Rule(
        "name-not-resolved",
        0.55,
        (
            "resolve|resolution|resolving|lookup|dns|unknown host|host not found|no such host",
            "not found|unknown host|could not|cannot|unable|failed|no such",
        ),
    ),
    Rule(
        "file-unreadable",
        0.5,
        (
            "file|cert|certificate|key|path|ca",
            "permission|access rights|not readable|access denied|cannot read",
        ),
    ),
    Rule(
        "file-missing",
        0.5,
        (
            "file|path|cafile|capath|locations",
            (
                "not found|not exist|no such"
                "|missing|error setting|cannot open|cannot find|unable to open"
            ),
        ),
    ),
    Rule(
        "closed-early",
        0.5,
        (
            "eof|end of file|reset|closed|hung up|aborted|disconnected|terminated",
            "unexpected|unexpectedly|handshake|by peer|prematurely|connection|reading|receiving",
        ),
    ),
    Rule("handshake-failed", 0.45, (_TLS, "error|failed|failure|cannot|can't connect")),
    Rule("connect-failed", 0.4, ("connect|contact|reach", _NOT)),
)


def _alternatives(group: str) -> str:
    """Return the expression of a group: whole words, but for those that may go on."""
    words = sorted(group.split("|"), key=len, reverse=True)
    return "|".join(
        (r"(?<![a-z0-9])" if word[0].isalnum() else "")
        + re.escape(word.removesuffix("*"))
        + (r"(?![a-z0-9])" if word[-1].isalnum() else "")
        for word in words
    )


@cache
def _compiled() -> tuple[tuple[Rule, tuple[re.Pattern[str], ...]], ...]:
    """Return the rules with their expressions; once, when somebody asks, for they take long."""
    return tuple(
        (rule, tuple(re.compile(_alternatives(group)) for group in rule.groups)) for rule in RULES
    )


#: What openssl s_client says of every connection to a server that names no CAs, and of every key.
_NORMAL = re.compile(r"no client certificate ca names sent|(?:server|peer) temp key: |a:pkey: ")


def _lines(text: Prepared) -> Iterator[tuple[int, str]]:
    place = 0
    for line in text.kept.split("\n"):
        yield place, text.flat[place : place + min(len(line), LINE_LIMIT)]
        place += len(line) + 1


def gists_in(text: Prepared) -> Iterator[tuple[Rule, Found]]:
    """Find what the lines of a text say.

    Args:
        text: the prepared text.

    Yields:
        of each line the first rule that fits, and the words that it was found in.
    """
    for place, line in _lines(text):
        if _NORMAL.search(line):
            continue
        for rule, groups in _compiled():
            matches = [group.search(line) for group in groups]
            if all(matches):
                spans = [match.span() for match in matches if match is not None]
                start = place + min(span[0] for span in spans)
                end = place + max(span[1] for span in spans)
                seen = veiled(clean(text.kept[start:end], limit=200))
                yield rule, Found(start, end, {}, seen)
                break
