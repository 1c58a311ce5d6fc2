"""Entries of the family *trust*: who signed the certificate, and is that one trusted (T1-T11)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="issuer-unknown",
        title="The certificate's CA is not known here",
        rows=("T2", "T3", "O2"),
        side=Side.OWN,
        message=(
            "{own} does not know the CA that signed {peer}'s certificate"
            " ({presented|its name is in the certificate's issuer}); trusted here: "
            "{expected|the roots listed by sottovoce keytool -list}."
        ),
        next_step=(
            "Import that CA's root certificate into {own}'s trusted roots "
            "(sottovoce keytool -importcert -keystore conf/cacerts), after comparing its "
            "fingerprint."
        ),
        says=(
            Says("unable to get local issuer certificate", 0.8, "openssl"),
            Says("unable to find valid certification path to requested target", 0.8, "java"),
            Says("pkix path building failed", 0.75, "java"),
            Says("certificate signed by unknown authority", 0.85, "go"),
            Says("x509: certificate signed by unknown authority", 0.85, "go"),
            Says("unable to get issuer cert locally", 0.8, "node"),
            Says("unable to verify the first certificate", 0.5, "openssl"),
            Says("unable to verify leaf signature", 0.5, "node"),
            Says("unknownissuer", 0.85, "rustls"),
            Says("invalid peer certificate: unknownissuer", 0.88, "rustls"),
            Says("invalid certificate: unknownissuer", 0.88, "rustls"),
            Says("the certificate issuer is unknown", 0.85, "gnutls"),
            Says("certificate is not trusted", 0.5, "gnutls"),
            Says("bad cert,unknown ca", 0.85, "erlang"),
            Says("trust anchor for certification path not found", 0.85, "java"),
            Says("sec error unknown issuer", 0.85, "nss"),
            Says("peer's certificate issuer has been marked as not trusted", 0.85, "nss"),
            Says("peer's certificate issuer is not recognized", 0.85, "nss"),
            Says(
                (
                    "the remote certificate is invalid because of errors in the certificate chain: "
                    "untrustedroot"
                ),
                0.8,
                "dotnet",
            ),
            Says("errors in the certificate chain: partialchain", 0.7, "dotnet"),
            Says("remotecertificatechainerrors", 0.5, "dotnet"),
            Says("sec e untrusted root", 0.85, "schannel"),
            Says(
                "the certificate chain was issued by an authority that is not trusted",
                0.88,
                "schannel",
            ),
            Says(
                "peer certificate cannot be authenticated with given ca certificates", 0.5, "curl"
            ),
            Says("path does not chain with any of the trust anchors", 0.45, "java"),
            Says("the trustanchors parameter must be non-empty", 0.6, "java"),
            Says(
                "certificate verify failed: unable to get local issuer certificate", 0.85, "python"
            ),
            Says(
                "failed to verify certificate: x509: certificate signed by unknown authority",
                0.87,
                "go",
            ),
            Says("is not trusted in this ssl context", 0.85, "elasticsearch"),
            Says("certificate is not trusted by", 0.6),
            Says("upstream ssl certificate verify error: (20", 0.85, "nginx"),
            Says("client ssl certificate verify error: (20", 0.85, "nginx"),
            Says("client ssl certificate verify error: (21", 0.6, "nginx"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.6),
            Alert("java", "certificate_unknown", 0.45),
            Alert("go", "unknown_ca", 0.8),
            Alert("go", "bad_certificate", 0.35),
        ),
        verify_codes=(20, 21),
        when=(When("issuer-trusted", "yes", 0.2), When("side", "accepting", 1.0)),
        apart=(
            "The chain is complete up to its top certificate, and that CA is not among the roots: "
            "sottovoce keytool -list shows them."
        ),
    ),
    Entry(
        code="intermediate-missing",
        title="The chain was sent without its intermediate certificate",
        rows=("T5",),
        side=Side.PEER,
        message=(
            "{peer} sends {presented|only its own certificate}; the certificate of its issuer "
            "{expected|(an intermediate CA)} is missing, so {own} cannot connect it to a root."
        ),
        next_step=(
            "Put the intermediate certificate into {peer}'s key entry: import the CA's reply again "
            "as a whole chain (PKCS#7 or concatenated PEM)."
        ),
        says=(
            Says("unable to get local issuer certificate", 0.5, "openssl"),
            Says("unable to find valid certification path to requested target", 0.4, "java"),
            Says("pkix path building failed", 0.3, "java"),
            Says("unable to verify the first certificate", 0.82, "openssl"),
            Says("unable to verify leaf signature", 0.85, "node"),
            Says("certificate signed by unknown authority", 0.4, "go"),
            Says("x509: certificate signed by unknown authority", 0.4, "go"),
            Says(
                "failed to verify certificate: x509: certificate signed by unknown authority",
                0.4,
                "go",
            ),
            Says(
                "certificate verify failed: unable to get local issuer certificate", 0.5, "python"
            ),
            Says("errors in the certificate chain: partialchain", 0.75, "dotnet"),
            Says("client ssl certificate verify error: (21", 0.8, "nginx"),
            Says("unable to get issuer cert locally", 0.4, "node"),
            Says("invalid peer certificate: unknownissuer", 0.4, "rustls"),
            Says("trust anchor for certification path not found", 0.4, "java"),
            Says("incomplete certificate chain", 0.9),
            Says("certificate chain is incomplete", 0.9),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.3),
            Alert("java", "certificate_unknown", 0.2),
            Alert("go", "unknown_ca", 0.4),
            Alert("go", "bad_certificate", 0.12),
        ),
        verify_codes=(21,),
        when=(
            When("chain-length", "1", 3.0),
            When("issuer-trusted", "yes", 3.0),
        ),
        apart=(
            "The peer sent one certificate only, and its issuer is not a root: "
            "openssl s_client -showcerts counts them."
        ),
    ),
    Entry(
        code="intermediate-only-trusted",
        title="An intermediate CA is trusted, its root is absent",
        rows=("T11",),
        side=Side.OWN,
        severity=Severity.WARNING,
        message=(
            "{own} trusts the intermediate CA {presented|of this chain} and not its root "
            "{expected|(the CA that signed it)}; some programs refuse such a chain."
        ),
        next_step="Import the root {expected|of that CA} into {own}'s trusted roots as well.",
        says=(
            Says("unable to get issuer certificate", 0.88, "openssl"),
            Says("unable to get issuer cert", 0.8, "node"),
        ),
        alerts=(Alert("openssl", "unknown_ca", 0.06),),
        verify_codes=(2,),
    ),
    Entry(
        code="self-signed",
        title="The certificate is signed by its own key",
        rows=("T6",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: it still uses a self-signed certificate "
            "({presented|the one made together with the key}), so no CA vouches for it."
        ),
        next_step=(
            "Have {peer}'s key certified: sottovoce keytool -certreq, have it signed, then "
            "import the "
            "CA's reply into the same alias."
        ),
        says=(
            Says("self-signed certificate", 0.9, "openssl"),
            Says("self signed certificate", 0.9, "openssl"),
            Says("depth zero self signed cert", 0.92, "node"),
            Says("depth zero self-signed cert", 0.92, "node"),
            Says("selfsigned peer", 0.9, "erlang"),
            Says("bad cert,selfsigned peer", 0.92, "erlang"),
            Says("the certificate is self-signed", 0.9),
            Says("causedasendentity", 0.5, "rustls"),
            Says("caused as end entity", 0.6, "rustls"),
            Says("mozilla pkix error self signed cert", 0.92, "nss"),
            Says("pkix path building failed", 0.25, "java"),
            Says("unable to find valid certification path to requested target", 0.25, "java"),
            Says("client ssl certificate verify error: (18", 0.92, "nginx"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.25),
            Alert("java", "certificate_unknown", 0.2),
            Alert("go", "bad_certificate", 0.1),
        ),
        verify_codes=(18,),
        when=(When("chain-length", "1", 1.3),),
        apart="Issuer and subject of the presented certificate are the same.",
    ),
    Entry(
        code="root-untrusted",
        title="The chain ends in a root that is not trusted here",
        rows=("T7",),
        side=Side.OWN,
        message=(
            "{peer}'s chain ends in {presented|a root certificate that it sent along}, which {own} "
            "does not trust; trusted here: {expected|other roots}."
        ),
        next_step=(
            "Compare the fingerprint with the CA's own, then import that root into {own}'s trusted "
            "roots."
        ),
        says=(
            Says("self-signed certificate in certificate chain", 0.93, "openssl"),
            Says("self signed certificate in certificate chain", 0.93, "openssl"),
            Says("self signed cert in chain", 0.93, "node"),
            Says("client ssl certificate verify error: (19", 0.93, "nginx"),
            Says(
                (
                    "a certificate chain processed, but terminated in a root certificate which is "
                    "not trusted"
                ),
                0.93,
                "schannel",
            ),
            Says("terminated in a root certificate which is not trusted", 0.92, "schannel"),
        ),
        alerts=(
            Alert("openssl", "unknown_ca", 0.35),
            Alert("java", "certificate_unknown", 0.15),
            Alert("go", "unknown_ca", 0.3),
        ),
        verify_codes=(19,),
    ),
    Entry(
        code="signature-mismatch",
        title="Two CAs of the same name: the signature does not fit",
        rows=("T8",),
        side=Side.BOTH,
        message=(
            "{own} and {peer} both know a CA called {expected|by that name}, and they are two "
            "different keys: the signature does not fit. One side still has the old CA."
        ),
        next_step=(
            "Compare the fingerprints of that CA on both servers (sottovoce keytool -list -v) and "
            "replace the old one."
        ),
        says=(
            Says("certificate signature failure", 0.93, "openssl"),
            Says("cert signature failure", 0.9, "node"),
            Says("path does not chain with any of the trust anchors", 0.85, "java"),
            Says("but the signatures do not match", 0.95, "elasticsearch"),
            Says("signature check failed", 0.8, "java"),
            Says("signature does not match", 0.75, "java"),
            Says(
                "possibly because of '{}' while trying to verify candidate authority certificate",
                0.9,
                "go",
            ),
            Says("crypto/rsa: verification error", 0.85, "go"),
            Says("crypto/ecdsa: verification error", 0.7, "go"),
            Says("x509: ecdsa verification failure", 0.85, "go"),
            Says("invalidsignatureforpublickey", 0.85, "rustls"),
            Says("invalid peer certificate: badsignature", 0.88, "rustls"),
            Says("invalid certificate: badsignature", 0.88, "rustls"),
            Says("bad cert,invalid signature", 0.88, "erlang"),
            Says("unable to decrypt certificate's signature", 0.8, "openssl"),
            Says("sec error bad signature", 0.88, "nss"),
            Says("tls: invalid signature by the server certificate", 0.8, "go"),
            Says("tls: invalid signature by the client certificate", 0.8, "go"),
            Says("authority and subject key identifier mismatch", 0.8, "openssl"),
        ),
        alerts=(
            Alert("openssl", "decrypt_error", 0.8),
            Alert("openssl", "unknown_ca", 0.12),
            Alert("java", "certificate_unknown", 0.1),
            Alert("go", "bad_certificate", 0.08),
        ),
        verify_codes=(7,),
        when=(When("same-issuer-name", "yes", 4.0),),
        apart="A CA of the same name is among the roots, with another key.",
    ),
    Entry(
        code="not-a-ca",
        title="Signed by a certificate that may not sign",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its issuer {presented|in the chain} is not allowed "
            "to sign "
            "certificates ({expected|no CA:TRUE in its basic constraints})."
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
            Says("is not a ca certificate", 0.88, "java"),
            Says("basic constraints check failed: this is not a ca certificate", 0.95, "java"),
            Says("sec error ca cert invalid", 0.9, "nss"),
            Says("bad cert,missing basic constraint", 0.9, "erlang"),
            Says("key usage does not include certificate signing", 0.9, "openssl"),
            Says("keyusage does not include certificate signing", 0.9, "openssl"),
        ),
        alerts=(Alert("openssl", "unknown_ca", 0.07), Alert("java", "certificate_unknown", 0.04)),
        verify_codes=(24, 32, 79),
    ),
    Entry(
        code="leaf-is-ca",
        title="A server presents a CA certificate as its own",
        rows=("T9", "K9"),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: the certificate that it presents as its own is a CA's "
            "({presented|CA:TRUE})."
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
            "{own} did not accept {peer}: a CA in its chain permits {expected|fewer} CAs below it, "
            "the chain has {presented|more}."
        ),
        next_step=(
            "Have {peer}'s certificate issued by a CA nearer to the root, or reissue the "
            "upper CA with a "
            "larger path length."
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
        alerts=(Alert("openssl", "unknown_ca", 0.06),),
        verify_codes=(25,),
    ),
    Entry(
        code="chain-too-long",
        title="The chain has too many certificates",
        side=Side.PEER,
        rows=("T9",),
        message=(
            "{own} did not accept {peer}: it sent {presented|too many} certificates, at most "
            "{expected|a handful} are looked at."
        ),
        next_step="Put only the certificates between {peer}'s own and the root into its key entry.",
        says=(
            Says("certificate chain too long", 0.93, "openssl"),
            Says("cert chain too long", 0.93, "node"),
            Says("excessive message size", 0.6, "openssl"),
            Says(
                (
                    "the certificate chain length ({presented}) exceeds the maximum allowed length "
                    "({expected})"
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
            "{own} did not accept {peer}: its CA may issue for {expected|certain names only}, "
            "the certificate has {presented|another}."
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
        alerts=(Alert("openssl", "certificate_unknown", 0.5),),
        verify_codes=(47, 48),
    ),
    Entry(
        code="strict-profile",
        title="The CA's certificate lacks what newer programs ask for",
        rows=("T10",),
        severity=Severity.WARNING,
        side=Side.BOTH,
        message=(
            "A certificate in {peer}'s chain lacks {expected|an extension that the standard asks "
            "of a CA}: older partners accept it, newer ones refuse it."
        ),
        next_step=(
            "Reissue the CA with the standard profile (sottovoce ca create), then the certificates."
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
            Says("empty subject alternative name extension", 0.9, "openssl"),
            Says("certificate version 1 or 2 must not have extensions", 0.6, "openssl"),
            Says("using cert extensions requires at least x509v3", 0.9, "openssl"),
        ),
        alerts=(Alert("openssl", "certificate_unknown", 0.5),),
        verify_codes=(80, 81, 83, 85, 86, 89, 90, 91, 92),
    ),
    Entry(
        code="unknown-critical-extension",
        title="A critical extension that nobody here understands",
        rows=("T9",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its chain has a critical extension that is not "
            "understood "
            "({presented|its OID is in the log}); what is critical must not be passed over."
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
        verify_codes=(34,),
    ),
    Entry(
        code="root-missing-for-reply",
        title="The CA that signed the reply is not in the keystore",
        rows=("T1",),
        side=Side.OWN,
        message=(
            "The reply cannot be imported: it is signed by {expected|a CA} which is not among the "
            "trusted certificates of the keystore."
        ),
        next_step=(
            "Import the CA's root first (sottovoce keytool -importcert -alias root -file "
            "root.crt …), "
            "after comparing its fingerprint, then the reply again."
        ),
        says=(
            Says("failed to establish chain from reply", 0.97, "keytool"),
            Says("failed to establish chain from", 0.9, "keytool"),
            Says("is signed by '{expected}', which is not in this keystore", 0.95, "sottovoce"),
        ),
    ),
)
