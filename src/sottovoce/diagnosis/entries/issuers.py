"""Entries of the family *authority*: outside authorities, spoken with by ACME (RFC 8555)."""

from sottovoce.diagnosis.entry import Entry, Says, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="acme-not-installed",
        title="The library for ACME is not installed",
        message="Certificates by ACME need the library acme, which is not installed here.",
        next_step="Install the program with its extra: pip install 'sottovoce[acme]'.",
        says=(Says("no module named 'acme'", 0.95, "python"),),
    ),
    Entry(
        code="acme-terms",
        title="The authority's terms of service are not agreed to",
        message="The authority wants its terms of service to be agreed to before it certifies.",
        next_step="Read them, and repeat the command with --agree-terms.",
        says=(
            Says("must agree to terms of service", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:useractionrequired", 0.8, "acme"),
        ),
    ),
    Entry(
        code="acme-unreachable",
        title="The authority's ACME directory cannot be used",
        message="The authority cannot be used: {why|it does not answer as its directory should}.",
        next_step=(
            "Compare --directory with what the authority publishes; a root of its own goes to "
            "--ca-file."
        ),
        says=(Says("max retries exceeded with url: {}/directory", 0.9, "requests"),),
    ),
    Entry(
        code="acme-not-proved",
        title="The authority did not find the proof of a name",
        side=Side.OWN,
        message=(
            "The authority asked this server for the proof that the name is its own, and did not "
            "find it: {why|see its words}."
        ),
        next_step=(
            "Let the name lead to this server, and port 80 to the port of the proof (--port), "
            "while the command runs."
        ),
        says=(
            Says("urn:ietf:params:acme:error:unauthorized", 0.9, "acme"),
            Says("urn:ietf:params:acme:error:connection", 0.9, "acme"),
            Says("urn:ietf:params:acme:error:dns", 0.9, "acme"),
            Says("the key authorization file from the server did not match this challenge", 0.95),
            Says("invalid response from http://{}/.well-known/acme-challenge/", 0.95, "acme"),
        ),
    ),
    Entry(
        code="acme-refused",
        title="The authority declines to certify",
        message="The authority declines: {why|its words say why}.",
        next_step="Do what its words ask for; the old certificate stays in use meanwhile.",
        says=(
            Says("urn:ietf:params:acme:error:ratelimited", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:rejectedidentifier", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:caa", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:externalaccountrequired", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:accountdoesnotexist", 0.95, "acme"),
            Says("urn:ietf:params:acme:error:", 0.5, "acme"),
            Says("too many certificates already issued for", 0.95, "acme"),
        ),
    ),
)
