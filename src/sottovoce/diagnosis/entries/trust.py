"""Entries of the family *trust*: who signed it, and is that one trusted (T1-T8, T11)."""

from sottovoce.diagnosis.entry import Alert, Entry, Says, Severity, Side, When

__all__ = ["ENTRIES"]

ENTRIES: tuple[Entry, ...] = (
    Entry(
        code="issuer-unknown",
        title="The certificate's CA is not known here",
        rows=("T2", "T3", "O2"),
        side=Side.OWN,
        message=(
            "{own} does not know the CA that signed {peer}'s certificate ({presented|its name is "
            "in the certificate's issuer}); needed is {expected|a chain to one of its own roots}."
        ),
        next_step=(
            "Import that CA's root certificate into {own}'s trusted roots (sottovoce keytool "
            "--home DIR -importcert -cacerts -alias NAME -file FILE), after comparing its "
            "fingerprint."
        ),
        says=(
            Says("cssmerr tp not trusted", 0.88, "macos"),
            Says("peer cert untrusted or revoked", 0.85, "gnutls"),
            Says("server certificate verification failed", 0.8, "gnutls"),
            Says("untrusted issuer", 0.85, "postfix"),
            Says("certificate not trusted", 0.8, "any"),
            Says("certificate is untrusted", 0.75, "any"),
            Says("untrusted certificate", 0.7, "any"),
            Says("did not trust this server's certificate", 0.85, "java", refused=True),
            Says("sec error untrusted issuer", 0.85, "nss"),
            Says("cert e chaining", 0.8, "schannel"),
            Says("certificate verification failed", 0.3, "any"),
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
            Says("errors in the certificate chain: untrustedroot", 0.5, "dotnet"),
            Says("errors in the certificate chain: partialchain", 0.7, "dotnet"),
            Says("remotecertificatechainerrors", 0.5, "dotnet"),
            Says("sec e untrusted root", 0.5, "schannel"),
            Says(
                "the certificate chain was issued by an authority that is not trusted",
                0.6,
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
        when=(When("issuer-trusted", "yes", 0.2), When("root-sent", "yes", 0.3)),
        apart=(
            "The chain is complete up to its top certificate, and that CA is not among the "
            "roots: sottovoce keytool -list shows them."
        ),
    ),
    Entry(
        code="intermediate-missing",
        title="The chain was sent without its intermediate certificate",
        rows=("T5",),
        side=Side.PEER,
        message=(
            "{own} did not accept {peer}: its chain is not whole. Sent was {presented|only its own "
            "certificate}; missing is {expected|the certificate of its issuer, an intermediate "
            "CA}."
        ),
        next_step=(
            "Put the intermediate certificate into {peer}'s key entry: import the CA's reply "
            "again as a whole chain (PKCS#7 or concatenated PEM)."
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
            "The peer sent one certificate only, and its issuer is not a root: openssl s_client "
            "-showcerts counts them."
        ),
    ),
    Entry(
        code="partial-chain",
        title="An intermediate CA is trusted, its root is absent",
        rows=("T11",),
        side=Side.OWN,
        severity=Severity.WARNING,
        message=(
            "{own} trusts {presented|the intermediate CA of this chain} and lacks {expected|its "
            "root}; some programs refuse such a chain."
        ),
        next_step="Import the root of that CA into {own}'s trusted roots as well.",
        says=(
            Says(
                "certificate verify failed: unable to get local issuer certificate", 0.1, "openssl"
            ),
            Says("unable to get local issuer certificate", 0.1, "openssl"),
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
            "import the CA's reply into the same alias."
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
        rows=("T7", "O7"),
        side=Side.OWN,
        message=(
            "{own} did not accept {peer}: its chain ends in {presented|a root certificate that it "
            "sent along}, which {own} does not trust; needed is {expected|a chain to one of its "
            "roots}."
        ),
        next_step=(
            "Compare the fingerprint with the CA's own, then import that root into {own}'s trusted "
            "roots (sottovoce keytool --home DIR -importcert -cacerts -alias NAME -file FILE)."
        ),
        says=(
            Says("pkix path building failed", 0.15, "java"),
            Says("unable to find valid certification path to requested target", 0.15, "java"),
            Says("cert e untrustedroot", 0.9, "schannel"),
            Says("sec e untrusted root", 0.88, "schannel"),
            Says(
                "the certificate chain was issued by an authority that is not trusted",
                0.88,
                "schannel",
            ),
            Says("errors in the certificate chain: untrustedroot", 0.85, "dotnet"),
            Says("self-signed certificate in certificate chain", 0.93, "openssl"),
            Says("self signed certificate in certificate chain", 0.93, "openssl"),
            Says("self signed cert in chain", 0.93, "node"),
            Says("client ssl certificate verify error: (19", 0.93, "nginx"),
            Says(
                (
                    "a certificate chain processed, but terminated in a root certificate which "
                    "is not trusted"
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
            Alert("go", "bad_certificate", 0.15),
        ),
        verify_codes=(19,),
        when=(When("root-sent", "yes", 2.5), When("root-sent", "no", 0.1)),
    ),
    Entry(
        code="signature-mismatch",
        title="Two CAs of the same name: the signature does not fit",
        rows=("T8",),
        side=Side.BOTH,
        message=(
            "{own} did not accept {peer}: a CA in its chain has the name of one that {own} knows, "
            "and another key ({presented|the signature does not fit}; known is {expected|an older "
            "or a newer one})."
        ),
        next_step=(
            "Compare the fingerprints of that CA on both servers (sottovoce keytool -list -v) "
            "and replace the old one."
        ),
        says=(
            Says(
                "certificate verify failed: unable to get local issuer certificate", 0.15, "openssl"
            ),
            Says("unable to get local issuer certificate", 0.15, "openssl"),
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
        code="root-missing-for-reply",
        title="The CA that signed the reply is not in the keystore",
        rows=("T1",),
        side=Side.OWN,
        message=(
            "The reply cannot be imported: it leads to {presented|a CA}; needed is {expected|a "
            "chain to a trusted certificate of the keystore}."
        ),
        next_step=(
            "Import the CA's root first (sottovoce keytool -importcert -alias root -file "
            "root.crt …), after comparing its fingerprint, then the reply again."
        ),
        says=(
            Says("failed to establish chain from reply", 0.97, "keytool"),
            Says("failed to establish chain from", 0.9, "keytool"),
            Says("is signed by '{presented}', which is not in this keystore", 0.95, "sottovoce"),
        ),
    ),
)
