"""Entries of the family *keystore*: what a store holds and how it is written (K1, K5-K9, K13)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="keystore-alias-collapse",
        title="Aliases that differ in case only",
        rows=("K7",),
        severity=Severity.WARNING,
        message=(
            "Aliases of {file|the keystore} differ in case only ({presented|see keytool -list}); "
            "Java sees one entry, the last."
        ),
        next_step="Give one of them another alias (sottovoce keytool -changealias).",
    ),
    Entry(
        code="keystore-alias-twice",
        title="Two entries of one alias",
        rows=("K7",),
        severity=Severity.WARNING,
        message=(
            "Two entries of {file|the keystore} have one alias ({presented|see keytool -list}); "
            "Java sees the later one only."
        ),
        next_step=(
            "Give one of them another alias: sottovoce keytool -changealias (the second one is "
            "called 'ALIAS (2)' here)."
        ),
    ),
    Entry(
        code="keystore-bag-kept",
        title="Something in the store is neither key nor certificate",
        rows=("K6",),
        severity=Severity.NOTICE,
        message=(
            "{file|The keystore} holds something that is neither key nor certificate; it is kept "
            "and not used."
        ),
        next_step="Nothing to do.",
    ),
    Entry(
        code="keystore-bag-skipped",
        title="A certificate of an unknown kind",
        rows=("K6",),
        severity=Severity.WARNING,
        message=(
            "{file|The keystore} holds a certificate of a kind that is not X.509; it was passed "
            "over."
        ),
        next_step="Nothing to do, unless that certificate was meant to be used.",
    ),
    Entry(
        code="keystore-secret-kept",
        title="A secret key in the store",
        rows=("K6",),
        severity=Severity.NOTICE,
        message="{file|The keystore} holds a secret key; it is kept and not used.",
        next_step="Nothing to do.",
    ),
    Entry(
        code="keystore-certificate-unreadable",
        title="A certificate in the store that cannot be read",
        rows=("K6",),
        severity=Severity.WARNING,
        message=(
            "{file|The keystore} holds a certificate that cannot be read here; it is passed over, "
            "and lost if the store is written again."
        ),
        next_step=(
            "Keep a copy of the store, and have the certificate issued again in the form of RFC "
            "5280."
        ),
    ),
    Entry(
        code="keystore-certificate-loose",
        title="Certificates that belong to no key",
        rows=("K11", "K8"),
        severity=Severity.WARNING,
        message=(
            "{file|The keystore} holds certificates that belong to no key and are not marked as "
            "trusted; they are not used."
        ),
        next_step="Import them as trusted certificates if they are meant to be.",
    ),
    Entry(
        code="keystore-trust-attribute-missing",
        title="Trusted certificates without the mark that Java asks for",
        rows=("K6",),
        severity=Severity.WARNING,
        message=(
            "Certificates of {file|the keystore} lack the attribute that marks trusted ones for "
            "Java: trusted here, and Java sees an empty store."
        ),
        next_step=(
            "Write the store again, which adds the mark: sottovoce keytool -importkeystore "
            "-srckeystore {file|FILE} -destkeystore new.p12."
        ),
    ),
    Entry(
        code="keystore-chain-disordered",
        title="The chain is out of order",
        rows=("K9", "T5"),
        message=(
            "The chain of '{alias|the key entry}' is out of order: {why|a certificate stands "
            "before the one that it signed}."
        ),
        next_step=(
            "Import the reply again with its whole chain, the server's own certificate first."
        ),
        says=(Says("subject/issuer name chaining check failed", 0.85, "java"),),
    ),
    Entry(
        code="keystore-chain-incomplete",
        title="The chain in the keystore ends early",
        rows=("T5",),
        severity=Severity.WARNING,
        message=(
            "The chain of '{alias|the key entry}' ends below {expected|a CA}, whose own "
            "certificate is not in the store."
        ),
        next_step="Import that CA, unless it is a root that every partner has already.",
    ),
    Entry(
        code="keystore-cipher-unknown",
        title="A cipher that is not known here",
        rows=("K6",),
        message=(
            "{file|The keystore} is protected by {presented|a cipher}, which is not known here."
        ),
        next_step=(
            "Write it again with today's cipher, by the JDK's keytool: keytool -importkeystore "
            "-srckeystore {file|FILE} -destkeystore new.p12 -deststoretype PKCS12."
        ),
    ),
    Entry(
        code="keystore-key-unsupported",
        title="A private key that cannot be used",
        rows=("K6",),
        message=(
            "The private key '{alias|in the keystore}' cannot be used: {why|RSA, EC and Ed25519 "
            "keys are}."
        ),
        next_step=(
            "Make a new key (sottovoce keytool -genkeypair -keyalg EC) and have it certified."
        ),
    ),
    Entry(
        code="keystore-no-certificate",
        title="A key without a certificate",
        rows=("K9",),
        message="The key '{alias|in the keystore}' has no certificate.",
        next_step="Import the certificate that belongs to it under the same alias.",
    ),
    Entry(
        code="keystore-no-mac",
        title="The store has no integrity check",
        rows=("K5",),
        severity=Severity.WARNING,
        message="{file|The keystore} has no MAC: nobody can tell whether it was altered.",
        next_step=(
            "Write it again: sottovoce keytool -importkeystore -srckeystore {file|FILE} "
            "-destkeystore new.p12."
        ),
        says=(
            Says("mac absent", 0.97, "openssl"),
            Says("mac is absent", 0.95, "openssl"),
        ),
    ),
    Entry(
        code="keystore-not-verified",
        title="Read without a password",
        rows=("K1",),
        severity=Severity.WARNING,
        message="{file|The keystore} was read without a password: nothing was verified.",
        next_step="Give the password to have it verified.",
    ),
    Entry(
        code="keystore-too-costly",
        title="The store asks for too much work",
        rows=("K5",),
        message=(
            "{file|The keystore} asks for too much work ({presented|too many rounds of key "
            "derivation}); done is {expected|a bounded amount}."
        ),
        next_step="Write it again with the tool that made it and the usual 10,000 rounds.",
    ),
    Entry(
        code="keystore-too-large",
        title="The store is too large",
        rows=("K5",),
        message=(
            "{file|The file} is larger than any keystore ({presented|its size}); at most "
            "{expected|a few megabytes} are read."
        ),
        next_step="Check that this is the file that was meant.",
    ),
    Entry(
        code="keystore-trailing-octets",
        title="Something follows the end of the store",
        rows=("K5",),
        severity=Severity.WARNING,
        message="{file|The keystore} goes on after its end; what follows was ignored.",
        next_step="Check how it was copied; write it again to be rid of the rest.",
    ),
    Entry(
        code="key-password-missing",
        title="The private key is encrypted",
        rows=("K1", "K2"),
        message="{file|The private key} is encrypted and no password was given.",
        next_step="Give the key's password.",
        says=(
            Says("enter pass phrase for", 0.6, "openssl"),
            Says("password was not given but private key is encrypted", 0.95, "python"),
            Says("bad password read", 0.7, "openssl"),
        ),
    ),
    Entry(
        code="key-wrong-password",
        title="The password does not open the private key",
        rows=("K1",),
        message="The password does not open {file|the private key}, or the file was altered.",
        next_step="Check the key's password.",
        says=(
            Says("unable to load certificate key", 0.8, "tomcat"),
            Says("unable to load key", 0.6, "openssl"),
            Says("unable to load private key", 0.6, "openssl"),
            Says("pem read bio privatekey", 0.6, "openssl"),
            Says("bad decrypt", 0.6, "openssl"),
            Says("pkcs12 cipherfinal error", 0.5, "openssl"),
        ),
    ),
    Entry(
        code="keypasswd-pkcs12",
        title="A PKCS#12 store has one password",
        rows=("K2",),
        message="The key of a PKCS#12 store has no password of its own.",
        next_step="Change the password of the whole store: sottovoce keytool -storepasswd.",
        says=(Says("-keypasswd commands not supported if -storetype is pkcs12", 0.97, "keytool"),),
    ),
    Entry(
        code="no-match",
        title="The two passwords differ",
        rows=("K14",),
        message="The password and its repetition differ; nothing was written.",
        next_step="Type it again.",
    ),
    Entry(
        code="password-same",
        title="The new password is the old one",
        rows=("K14",),
        message="The new password is the old one; nothing was written.",
        next_step="Choose another one.",
        says=(Says("passwords must differ", 0.95, "keytool"),),
    ),
    Entry(
        code="certificate-altered",
        title="A certificate was altered",
        rows=("K13", "T8"),
        message=(
            "{file|The certificate} was altered: the key that it names did not make its signature."
        ),
        next_step="Fetch it again from the CA and compare its fingerprint.",
    ),
    Entry(
        code="request-altered",
        title="A request was altered",
        rows=("K10",),
        message="{file|The request} is not signed by the key that it is for, or it was altered.",
        next_step="Make a new request: sottovoce keytool -certreq.",
    ),
    Entry(
        code="web-certificate",
        title="Key and certificate for HTTPS cannot be used",
        rows=("K9",),
        message=(
            "The web pages cannot use their key and certificate ({why|the keystore does not give "
            "them})."
        ),
        next_step="Look at the keystore: sottovoce keytool -list -v.",
    ),
)
