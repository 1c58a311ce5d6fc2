"""Keys, names, requests, issuing, chain verdicts, revocation lists.

Pure: bytes and values in, values out. Knows no keystore, file, clock or network; dates, serial
numbers and names arrive as arguments. The words are those of RFC 5280.
"""

from sottovoce.pki.authority import Authority, Revocation
from sottovoce.pki.constraints import permitted_names, permitting
from sottovoce.pki.formats import (
    dump_certificates,
    dump_crl,
    dump_private_key,
    dump_request,
    load_certificates,
    load_crls,
    load_private_key,
    load_request,
    looks_like,
)
from sottovoce.pki.keys import (
    KeyAlgorithm,
    PrivateKey,
    PublicKey,
    describe_key,
    generate_key,
    key_weakness,
)
from sottovoce.pki.names import (
    common_name,
    display_name,
    dns_names,
    fingerprint,
    ip_addresses,
    key_fingerprint,
    parse_name,
    short_name,
    uri_names,
)
from sottovoce.pki.naming import (
    as_address,
    dns_name_problem,
    matches_dns_name,
    name_fault,
    nameless_fault,
)
from sottovoce.pki.ocsp import Standing, answers_about, load_answer
from sottovoce.pki.profiles import (
    BACKDATE,
    CLIENT,
    INTERMEDIATE_LIFETIME,
    ISSUING,
    LEAF_LIFETIME,
    LONGEST_LEAF_LIFETIME,
    MANAGED_LIFETIME,
    ROOT,
    ROOT_LIFETIME,
    SERVER,
    Profile,
    backdated,
)
from sottovoce.pki.requests import alternative_names, make_request, self_signed, subject_for
from sottovoce.pki.revocation import SILENT, RevocationEvidence, list_refusal
from sottovoce.pki.verdict import FAULT_CODES, WARNING_CODES, ChainVerdict, Purpose
from sottovoce.pki.verifying import verify

__all__ = [
    "BACKDATE",
    "CLIENT",
    "FAULT_CODES",
    "INTERMEDIATE_LIFETIME",
    "ISSUING",
    "LEAF_LIFETIME",
    "LONGEST_LEAF_LIFETIME",
    "MANAGED_LIFETIME",
    "ROOT",
    "ROOT_LIFETIME",
    "SERVER",
    "SILENT",
    "WARNING_CODES",
    "Authority",
    "ChainVerdict",
    "KeyAlgorithm",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "Purpose",
    "Revocation",
    "RevocationEvidence",
    "Standing",
    "alternative_names",
    "answers_about",
    "as_address",
    "backdated",
    "common_name",
    "describe_key",
    "display_name",
    "dns_name_problem",
    "dns_names",
    "dump_certificates",
    "dump_crl",
    "dump_private_key",
    "dump_request",
    "fingerprint",
    "generate_key",
    "ip_addresses",
    "key_fingerprint",
    "key_weakness",
    "list_refusal",
    "load_answer",
    "load_certificates",
    "load_crls",
    "load_private_key",
    "load_request",
    "looks_like",
    "make_request",
    "matches_dns_name",
    "name_fault",
    "nameless_fault",
    "parse_name",
    "permitted_names",
    "permitting",
    "self_signed",
    "short_name",
    "subject_for",
    "uri_names",
    "verify",
]
