"""Entries of the family *keystore*: files, passwords and keys (K1-K9, X3)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="keystore-missing",
        title="There is no keystore file",
        rows=("K3", "C1"),
        message="The keystore {file|named by SSLKeystorePath} does not exist.",
        next_step="Correct SSLKeystorePath in commands/ssl.ini, or put the keystore there.",
        says=(
            Says("keystore file does not exist: {file}", 0.97, "keytool"),
            Says("keystore file does not exist", 0.96, "keytool"),
            Says(".p12 (no such file or directory)", 0.93, "java"),
            Says(".jks (no such file or directory)", 0.93, "java"),
            Says("keystore not found", 0.9),
            Says("sslkeystorepath {file} does not exist", 0.97, "sottovoce"),
        ),
    ),
    Entry(
        code="keystore-wrong-password",
        title="The password does not open the keystore",
        rows=("K1", "C4"),
        message=(
            "The password does not open the keystore {file|}: either the password is wrong or "
            "the file was altered; its outer form is intact."
        ),
        next_step=(
            "Correct SSLKeystorePassword in commands/ssl.ini (mind blanks at its end and "
            "backslashes), and try it with sottovoce keytool -list."
        ),
        says=(
            Says("mac could not be verified", 0.9, "node"),
            Says("error invalid password", 0.9, "schannel"),
            Says("keystore password was incorrect", 0.97, "keytool"),
            Says("keystore was tampered with, or password was incorrect", 0.96, "keytool"),
            Says("password verification failed", 0.9, "java"),
            Says("invalid password or pkcs12 data", 0.93, "python"),
            Says("mac verify error: invalid password?", 0.96, "openssl"),
            Says("mac verify failure", 0.9, "openssl"),
            Says("pkcs12: decryption password incorrect", 0.95, "go"),
            Says("pkcs12 cipherfinal error", 0.85, "openssl"),
            Says("pkcs12 pbe crypt error", 0.7, "openssl"),
            Says(
                "failed to decrypt safe contents entry: javax.crypto.badpaddingexception",
                0.9,
                "java",
            ),
            Says("[ssl] pem lib", 0.35, "python"),
            Says("bad decrypt", 0.75, "openssl"),
            Says("bad password read", 0.75, "openssl"),
            Says("given final block not properly padded", 0.8, "java"),
            Says("the specified network password is not correct", 0.93, "windows"),
            Says("wrong keystore password", 0.95),
            Says("maybe wrong password", 0.8),
            Says("incorrect password, could not decrypt key", 0.9, "python"),
            Says("bad decrypt. incorrect password?", 0.9, "python"),
        ),
        apart="Another password opens the file; a damaged file opens with none.",
    ),
    Entry(
        code="keystore-entry-locked",
        title="The key has another password than its store",
        rows=("K2",),
        message="The keystore {file|} opens; the key '{alias|in it}' has another password.",
        next_step=(
            "Make them equal: sottovoce keytool -keypasswd -alias {alias|ALIAS} -keystore "
            "{file|FILE} (JKS and JCEKS)."
        ),
        says=(
            Says("cannot recover key", 0.95, "java"),
            Says("unrecoverablekeyexception", 0.85, "java"),
            Says("get key failed: given final block not properly padded", 0.9, "java"),
            Says("get key failed", 0.7, "java"),
        ),
    ),
    Entry(
        code="keystore-damaged",
        title="The keystore is damaged",
        rows=("K5",),
        message=(
            "The keystore {file|} cannot be read: its contents are not whole (needed is "
            "{expected|what its header promises})."
        ),
        next_step=(
            "Restore the keystore from its backup, or make it again from key and certificate."
        ),
        says=(
            Says("failed pkcs12 integrity checking", 0.9, "java"),
            Says("integrity check failed", 0.75, "java"),
            Says("could not deserialize pkcs12 data", 0.6, "python"),
            Says("derinputstream.getlength()", 0.85, "java"),
            Says("derinputstream rejects tag type", 0.7, "java"),
            Says("error parsing pkcs12", 0.6),
            Says("pkcs12: error reading p12 data", 0.85, "go"),
            Says("pkcs12 parse error", 0.7, "openssl"),
            Says("asn1 encoding routines", 0.4, "openssl"),
            Says("malformed keystore", 0.85),
            Says("keystore is corrupt", 0.93),
            Says("toderinputstream", 0.6, "java"),
            Says("java.io.ioexception: invalid keystore format", 0.5, "java"),
            Says("asn1: structure error", 0.6, "go"),
        ),
        apart="The file is a keystore in form, and no password opens it.",
    ),
    Entry(
        code="keystore-truncated",
        title="The keystore is cut off",
        rows=("K5",),
        message=(
            "The keystore {file|} is cut off: {presented|fewer bytes} present, its header "
            "announces {expected|more}."
        ),
        next_step="Restore the keystore from its backup, or copy it again (in binary mode).",
        says=(
            Says("java.io.eofexception", 0.85, "keytool"),
            Says("keystore file is truncated", 0.95),
            Says("short read of der length", 0.9, "java"),
            Says("detect premature eof", 0.85, "java"),
            Says("not enough data", 0.5, "openssl"),
            Says("asn1: syntax error: data truncated", 0.8, "go"),
            Says("announces {expected}. restore the copy", 0.9, "sottovoce"),
        ),
    ),
    Entry(
        code="keystore-empty",
        title="The keystore file is empty",
        rows=("K5",),
        message="The keystore {file|} is empty: it has no bytes.",
        next_step="Restore it from its backup; a full disk or an aborted copy leaves such files.",
        says=(Says("keystore file exists, but is empty", 0.97, "keytool"),),
    ),
    Entry(
        code="keystore-format",
        title="The keystore is of another kind",
        rows=("K6",),
        message=(
            "The keystore {file|} is {presented|of a format that is not read here}; "
            "{expected|PKCS#12, JKS or JCEKS} is needed."
        ),
        next_step=(
            "Convert it by the JDK's keytool: keytool -importkeystore -srckeystore {file|FILE} "
            "-destkeystore new.p12 -deststoretype PKCS12; a file in PEM is imported instead "
            "(sottovoce keytool -importcert)."
        ),
        says=(
            Says(
                "unrecognized keystore format. please load it with a specified type",
                0.95,
                "keytool",
            ),
            Says("unrecognized keystore format", 0.95, "keytool"),
            Says("invalid keystore format", 0.88, "java"),
            Says("not a javakeystore", 0.9, "java"),
            Says("could not deserialize pkcs12 data", 0.65, "python"),
            Says("rc2-40-cbc", 0.92, "openssl"),
            Says("inner evp generic fetch:unsupported", 0.85, "openssl"),
            Says("digital envelope routines::unsupported", 0.75, "openssl"),
            Says("err ossl evp unsupported", 0.75, "node"),
            Says("unsupported pkcs12 pfx data", 0.9, "node"),
            Says("pkcs12: unknown digest algorithm", 0.9, "go"),
            Says("pkcs12: expected exactly two safe bags in the pfx pdu", 0.6, "go"),
            Says("derinputstream.getlength(): lengthtag=", 0.6, "java"),
            Says("the jks keystore uses a proprietary format", 0.9, "keytool"),
            Says("pkcs12 not found", 0.5, "java"),
            Says("jks not found", 0.7, "java"),
            Says("keystoreexception: {presented} not found", 0.75, "java"),
            Says("derinputstream rejects tag type", 0.7, "java"),
        ),
    ),
    Entry(
        code="keystore-no-key",
        title="The keystore has no private key",
        rows=("K8", "X3"),
        message=(
            "The keystore {file|} has no private key ({presented|only trusted certificates}); it "
            "looks like the root store."
        ),
        next_step=(
            "Name the keystore with the server's key in SSLKeystorePath; were keystore and root "
            "store swapped?"
        ),
        says=(
            Says("no available authentication scheme", 0.9, "java"),
            Says("no shared cipher", 0.5, "openssl"),
            # OpenSSL turns TLS 1.3 off where no certificate serves for it (measured).
            Says("unsupported protocol", 0.15, "openssl"),
            Says("no certificate assigned", 0.5, "openssl"),
            Says("no certificate set", 0.85, "openssl"),
            Says("does not contain a private key", 0.9),
            Says("no private key", 0.6),
            Says("no key entry", 0.9),
            Says(
                "the server mode ssl must use a certificate with the associated private key",
                0.95,
                "dotnet",
            ),
            Says("must use a certificate with the associated private key", 0.93, "dotnet"),
            Says("no certificates configured", 0.8, "go"),
            Says(
                "tls: neither certificates, getcertificate, nor getconfigforclient set in config",
                0.95,
                "go",
            ),
            Says("private key entry not found", 0.85),
            Says("does not contain any private key", 0.9),
        ),
        alerts=(
            Alert("openssl", "handshake_failure", 0.2),
            Alert("openssl", "protocol_version", 0.15),
            Alert("java", "handshake_failure", 0.4),
            Alert("openssl", "internal_error", 0.1),
        ),
        when=(When("key-count", "0", 5.0), When("key-count", "1", 0.1)),
        apart="The accepting server's keystore has no key entry (sottovoce keytool -list).",
    ),
    Entry(
        code="keystore-several-keys",
        title="Several keys, and none is named",
        rows=("K7",),
        message=(
            "The keystore {file|} holds several keys ({presented|see sottovoce keytool -list}); "
            "which one is meant is not said."
        ),
        next_step="Keep one key in the keystore, or say which alias is meant.",
        says=(
            Says(
                "keystores with multiple certificates are not supported on the base class",
                0.95,
                "jetty",
            ),
            Says("contains multiple private key entries", 0.93),
            Says("multiple keys found", 0.85),
            Says("expected a single private key entry", 0.9),
            Says("found multiple private keys", 0.93),
            Says("more than one private key", 0.9),
        ),
    ),
    Entry(
        code="keystore-key-mismatch",
        title="Certificate and key do not belong together",
        rows=("K9", "O1"),
        message=(
            "In {file|the keystore} the certificate {presented|} is for another key than the one "
            "beside it ({alias|the key entry})."
        ),
        next_step="Put the certificate that was issued for this key first, then its intermediates.",
        says=(
            Says("key values mismatch", 0.93, "openssl"),
            Says("key type mismatch", 0.85, "openssl"),
            Says("no certificate assigned", 0.7, "openssl"),
            Says("tls: private key does not match public key", 0.95, "go"),
            Says("private key does not match public key", 0.93, "go"),
            Says("private key type does not match public key type", 0.93, "go"),
            Says("private key does not match certificate", 0.93),
            Says("private key does not match", 0.85),
            Says("private/public key mismatch", 0.93, "libressl"),
            Says("private key and certificate do not match", 0.93),
            Says("private key is not consistent with", 0.9),
            Says("keys may not match", 0.85, "rustls"),
            Says("inconsistentkeys(keymismatch)", 0.93, "rustls"),
            Says("keymismatch", 0.8, "rustls"),
            Says("private key must be accompanied by certificate chain", 0.7, "java"),
            Says("certificate and private key do not match", 0.95),
            Says("the certificate and the given key do not match", 0.9, "gnutls"),
        ),
    ),
    Entry(
        code="certificate-malformed",
        title="The file is no certificate",
        rows=("K13", "K14"),
        message=(
            "{file|The file} is no certificate that can be read ({presented|it may be cut off, a "
            "key, or of another format}; needed is {expected|a certificate})."
        ),
        next_step="Give the certificate itself, as PEM (-----BEGIN CERTIFICATE-----) or DER.",
        says=(
            Says("input not an x.509 certificate", 0.97, "keytool"),
            Says("[ssl] pem lib", 0.6, "python"),
            Says("no start line", 0.88, "openssl"),
            Says("bad base64 decode", 0.88, "openssl"),
            Says("bad end line", 0.88, "openssl"),
            Says("tls: failed to find any pem data in certificate input", 0.95, "go"),
            Says("tls: failed to find any pem data in key input", 0.9, "go"),
            Says("failed to find any pem data", 0.93, "go"),
            Says('tls: failed to find \\"certificate\\" pem block', 0.95, "go"),
            Says("tls: failed to find 'certificate' pem block", 0.95, "go"),
            Says("unable to load pem file", 0.85, "python"),
            Says("unable to load certificate", 0.8, "openssl"),
            Says("valueerror: unable to load pem file", 0.9, "python"),
            Says("malformedframing", 0.85, "python"),
            Says("could not parse certificate: java.io.ioexception", 0.9, "java"),
            Says(
                "java.security.cert.certificateexception: could not parse certificate", 0.9, "java"
            ),
            Says("signed fields invalid", 0.8, "java"),
            Says("incomplete data", 0.5, "java"),
            Says("illegal header: -----begin", 0.85, "java"),
            Says("certificateparsingexception", 0.8, "java"),
            Says("x509: malformed certificate", 0.75, "go"),
            Says("expecting: trusted certificate", 0.9, "openssl"),
            Says("expecting: certificate", 0.9, "openssl"),
            Says("expecting: any private key", 0.7, "openssl"),
            Says("cannot load certificate '{file}'", 0.6, "nginx"),
            Says("could not load pem client certificate", 0.8, "curl"),
            Says("could not load client certificate", 0.7, "curl"),
            Says("unable to set certificate file", 0.6, "curl"),
            Says("unable to set private key file", 0.6, "curl"),
            Says("unable to use client certificate", 0.6, "curl"),
        ),
    ),
)
