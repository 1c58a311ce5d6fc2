"""Entries of the family *keystore*, second part: what keytool says (K10-K14)."""

from sottovoce.diagnosis.entry import Entry, Says, Severity

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="alias-missing",
        title="There is no entry of that alias",
        rows=("K14",),
        message=(
            "There is no entry '{alias|of that alias}' in the keystore {file|}; there are: "
            "{expected|others (sottovoce keytool -list)}."
        ),
        next_step="Name an alias that sottovoce keytool -list shows.",
        says=(
            Says("alias <{alias}> does not exist", 0.97, "keytool"),
            Says("alias name [{alias}] does not identify a key entry", 0.95, "tomcat"),
            Says("does not identify a key entry", 0.93, "tomcat"),
            Says("alias {} has no key", 0.9, "keytool"),
            Says("no entry for alias", 0.85),
            Says("alias {alias} does not exist", 0.9),
        ),
    ),
    Entry(
        code="alias-taken",
        title="The alias is taken",
        rows=("K14",),
        message="The keystore {file|} has an entry '{alias|of that alias}' already.",
        next_step=(
            "Choose another alias, or delete the old entry first (sottovoce keytool -delete)."
        ),
        says=(
            Says("cannot overwrite own certificate", 0.9, "java"),
            Says("alias <{alias}> already exists", 0.97, "keytool"),
            Says("certificate not imported, alias <{alias}> already exists", 0.97, "keytool"),
            Says("key pair not generated, alias <{alias}> already exists", 0.97, "keytool"),
        ),
    ),
    Entry(
        code="reply-wrong-key",
        title="The reply answers another request",
        rows=("K10",),
        message=(
            "The reply {file|} is for another key than that of '{alias|the entry}': the key was "
            "made again after the request, or the reply is another server's."
        ),
        next_step="Make a new request (sottovoce keytool -certreq) and have that one signed.",
        says=(
            Says("public keys in reply and keystore don't match", 0.97, "keytool"),
            Says("public keys in reply and keystore do not match", 0.95, "keytool"),
        ),
    ),
    Entry(
        code="reply-wrong-alias",
        title="The reply went under another alias",
        rows=("K11",),
        message=(
            "The reply was stored as a trusted certificate '{presented|of another alias}'; the "
            "key '{alias|entry}' still has its self-signed certificate."
        ),
        next_step=(
            "Import the reply again with -alias {alias|and the key's own alias}, and delete the "
            "stray entry."
        ),
        says=(Says("certificate was added to keystore", 0.7, "keytool"),),
        apart=(
            "That sentence is right for a CA's root and wrong for a reply, which says "
            "'Certificate reply was installed in keystore'."
        ),
    ),
    Entry(
        code="reply-identical",
        title="The reply is in the keystore already",
        rows=("K14",),
        severity=Severity.NOTICE,
        message=(
            "The reply and the certificate in the keystore are identical: it was imported before."
        ),
        next_step="Nothing to do; sottovoce keytool -list -v shows the certificate in use.",
        says=(
            Says("certificate reply and certificate in keystore are identical", 0.97, "keytool"),
            Says("certificate already exists in keystore under alias", 0.9, "keytool"),
        ),
    ),
    Entry(
        code="certificate-key-unknown",
        title="A certificate whose key cannot be used here",
        rows=("K14",),
        message="The key in the certificate {presented|} cannot be used here.",
        next_step="Use EC P-256, RSA of 2048 bits or more, or Ed25519, and have it certified.",
    ),
    Entry(
        code="password-too-short",
        title="The password is too short",
        rows=("K14",),
        message=(
            "The password is too short ({presented|too few characters}); needed are {expected|at "
            "least 6 characters for a keystore, more for an account}."
        ),
        next_step="Choose a longer one: a sentence of a few words.",
        says=(
            Says("keystore password must be at least 6 characters", 0.97, "keytool"),
            Says("key password must be at least 6 characters", 0.97, "keytool"),
            Says("password is too short - must be at least 6 characters", 0.95, "keytool"),
            Says("keystore password is too short", 0.95, "keytool"),
        ),
    ),
    Entry(
        code="keytool-usage",
        title="keytool was given words that it does not take",
        rows=("K14",),
        message=(
            "The keytool command needs {expected|another option}: {presented|what it was given "
            "is not enough}."
        ),
        next_step=(
            "Add it (for -genkeypair: -keyalg EC -groupname secp256r1), or see sottovoce keytool "
            "-help."
        ),
        says=(
            Says("the -keyalg option must be specified", 0.97, "keytool"),
            Says("illegal option: {presented}", 0.85, "keytool"),
            Says("command option {presented} needs an argument", 0.93, "keytool"),
            Says("only one command is allowed", 0.9, "keytool"),
            Says("incorrect ava format", 0.6, "java"),
        ),
    ),
    Entry(
        code="password-file-open",
        title="A password file that others may read",
        rows=("K12",),
        message="{file|The password file} can be read by others than its owner.",
        next_step="Run chmod 600 {file|FILE}, and change the password if others had access.",
    ),
)
