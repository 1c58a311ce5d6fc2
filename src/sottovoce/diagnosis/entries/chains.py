"""Entries of the family *trust*: chains that are not built as they must be (T4, T9, T10)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="not-a-ca",
        title="Signed by a certificate that may not sign",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its issuer may not sign certificates ({presented|no "
            "CA:TRUE in its basic constraints}; needed is {expected|CA:TRUE})."
        ),
        next_step=(
            "Have {peer}'s certificate issued by a CA certificate with basicConstraints CA:TRUE."
        ),
        says=(
            Says("invalid ca certificate", 0.9, "openssl"),
            Says("invalid ca", 0.6, "node"),
            Says("parent certificate cannot sign this kind of certificate", 0.93, "go"),
            Says("certificate is not authorized to sign other certificates", 0.93, "go"),
            Says("endentityusedasca", 0.93, "rustls"),
            Says("issuer certificate doesn't have a public key", 0.85, "openssl"),
            Says("invalid non-ca certificate (has ca markings)", 0.9, "openssl"),
            Says("is not a ca certificate", 0.88, "java"),
            Says("basic constraints check failed: this is not a ca certificate", 0.95, "java"),
            Says("sec error ca cert invalid", 0.9, "nss"),
            Says("bad cert,missing basic constraint", 0.9, "erlang"),
            Says("key usage does not include certificate signing", 0.9, "openssl"),
            Says("keyusage does not include certificate signing", 0.9, "openssl"),
            Says("ca key usage check failed: keycertsign bit is not set", 0.95, "java"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.07),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(24, 32, 79),
    ),
    Entry(
        code="leaf-is-ca",
        title="A server presents a CA certificate as its own",
        rows=("T9", "K9"),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: the certificate that it presents as its own is a CA's "
            "({presented|CA:TRUE}; needed is {expected|CA:FALSE})."
        ),
        next_step=(
            "Give {peer} a server certificate of its own, and keep the CA's key off the server."
        ),
        says=(
            Says("causedasendentity", 0.6, "rustls"),
            Says("ca used as end entity", 0.85),
            Says("mozilla pkix error ca cert used as end entity", 0.95, "nss"),
        ),
    ),
    Entry(
        code="path-too-long",
        title="More intermediate CAs than a CA above permits",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its chain has more CAs than one above permits "
            "({presented|too many}; permitted is {expected|fewer})."
        ),
        next_step=(
            "Have {peer}'s certificate issued by a CA nearer to the root, or reissue the upper "
            "CA with a larger path length."
        ),
        says=(
            Says("path length constraint exceeded", 0.95, "openssl"),
            Says("path length exceeded", 0.9, "node"),
            Says("too many intermediates for path length constraint", 0.95, "go"),
            Says("pathlenconstraintviolated", 0.95, "rustls"),
            Says("pathlenconstraint violated", 0.93, "java"),
            Says("sec error path len constraint invalid", 0.95, "nss"),
            Says("bad cert,max path length reached", 0.93, "erlang"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.06),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(25,),
    ),
    Entry(
        code="chain-too-long",
        title="The chain has too many certificates",
        side=Side.PEER,
        rows=("T9",),
        message=(
            "{own} did not accept {peer}: its chain is too long ({presented|too many} "
            "certificates; followed are {expected|only a few})."
        ),
        next_step="Put only the certificates between {peer}'s own and the root into its key entry.",
        says=(
            Says("certificate chain too long", 0.93, "openssl"),
            Says("cert chain too long", 0.93, "node"),
            Says("excessive message size", 0.6, "openssl"),
            Says(
                (
                    "the certificate chain length ({presented}) exceeds the maximum allowed "
                    "length ({expected})"
                ),
                0.95,
                "java",
            ),
            Says("maximumpathbuildcallsexceeded", 0.7, "rustls"),
            Says(
                "x509: signature check attempts limit reached while verifying certificate chain",
                0.85,
                "go",
            ),
        ),
        verify_codes=(22,),
    ),
    Entry(
        code="chain-empty",
        title="No certificate at all was presented",
        side=Side.PEER,
        rows=("T4",),
        message="{own} did not accept {peer}: there is no certificate in its chain.",
        next_step="See to it that {peer}'s keystore has a key entry with a certificate.",
        says=(
            Says("empty server certificate chain", 0.93, "java"),
            Says("chain is empty", 0.7),
            Says("received empty certificates message", 0.8, "go"),
        ),
    ),
    Entry(
        code="name-constraint",
        title="The CA may not issue for this name",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its CA may not issue for its name ({presented|the name "
            "is outside the CA's constraints}); needed is {expected|a name that they permit}."
        ),
        next_step=(
            "Have {peer}'s certificate issued by a CA that is allowed to issue for that name."
        ),
        says=(
            Says("permitted subtree violation", 0.95, "openssl"),
            Says("excluded subtree violation", 0.95, "openssl"),
            Says("is not permitted by any constraint", 0.95, "go"),
            Says(
                "a root or intermediate certificate is not authorized to sign for this name",
                0.95,
                "go",
            ),
            Says("is not authorized to sign for", 0.8, "go"),
            Says("is excluded by constraint", 0.95, "go"),
            Says("nameconstraintviolation", 0.95, "rustls"),
            Says("name constraints check failed", 0.9),
            Says("violates the name constraints", 0.9),
            Says("sec error cert not in name space", 0.95, "nss"),
            Says("bad cert,name not permitted", 0.95, "erlang"),
        ),
        alerts=(
            Alert("openssl", "certificate_unknown", 0.5),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(47, 48),
    ),
    Entry(
        code="strict-profile",
        title="A certificate lacks what newer programs ask for",
        rows=("T10",),
        severity=Severity.WARNING,
        side=Side.BOTH,
        message=(
            "Older partners accept {peer}'s chain, newer ones refuse it: there is {presented|a "
            "certificate in it without an extension that the standard asks for}."
        ),
        next_step=(
            "Reissue that certificate with the standard profile (a server's: sottovoce ca sign; a "
            "CA's: sottovoce ca create, then all under it)."
        ),
        says=(
            Says("missing authority key identifier", 0.95, "openssl"),
            Says("missing subject key identifier", 0.95, "openssl"),
            Says("basic constraints of ca cert not marked critical", 0.96, "openssl"),
            Says("ca cert does not include key usage extension", 0.96, "openssl"),
            Says("path length given without key usage keycertsign", 0.95, "openssl"),
            Says("path length invalid for non-ca cert", 0.9, "openssl"),
            Says("authority key identifier marked critical", 0.93, "openssl"),
            Says("subject key identifier marked critical", 0.93, "openssl"),
            Says("issuer name empty", 0.9, "openssl"),
            Says("subject name empty", 0.9, "openssl"),
            Says("subject empty and subject alt name extension not critical", 0.93, "openssl"),
            Says("key usage keycertsign invalid for non-ca cert", 0.93, "openssl"),
            Says("using cert extension requires at least x509v3", 0.9, "openssl"),
            Says("authoritykeyidentifier must not contain", 0.9, "cryptography"),
            Says("empty subject alternative name extension", 0.9, "openssl"),
            Says("certificate version 1 or 2 must not have extensions", 0.6, "openssl"),
            Says("using cert extensions requires at least x509v3", 0.9, "openssl"),
        ),
        alerts=(Alert("openssl", "certificate_unknown", 0.5),),
        verify_codes=(80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93),
    ),
    Entry(
        code="unknown-critical-extension",
        title="A critical extension that nobody here understands",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its chain has a critical extension that is not "
            "understood ({presented|its OID is in the log}); what is critical must not be passed "
            "over."
        ),
        next_step=(
            "Have {peer}'s certificate issued without that extension, or with it not critical."
        ),
        says=(
            Says("unhandled critical extension", 0.95, "openssl"),
            Says("x509: unhandled critical extension", 0.95, "go"),
            Says("unrecognized critical extension", 0.93, "java"),
            Says("certificate contains unsupported critical extensions: {presented}", 0.95, "java"),
            Says("unsupportedcriticalextension", 0.95, "rustls"),
            Says("unhandledcriticalextension", 0.95, "rustls"),
            Says("sec error unknown critical extension", 0.95, "nss"),
            Says("bad cert,unknown critical extension", 0.95, "erlang"),
        ),
        alerts=(
            Alert("openssl", "certificate_unknown", 0.3),
            Alert("java", "certificate_unknown", 0.04),
            Alert("go", "bad_certificate", 0.04),
        ),
        verify_codes=(34,),
    ),
)
