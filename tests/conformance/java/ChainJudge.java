import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.EnumSet;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Judges chains as the JDK's TLS does: PKIX with revocation lists, then the purposes.
 *
 * <p>Its argument is a folder with one folder for each case: root.pem, lists.pem, chain.pem (leaf
 * first, root left out). The answer is one line for each case and purpose: CASE PURPOSE good, or
 * CASE PURPOSE refused and the reason.
 */
public final class ChainJudge {
    public static void main(String[] arguments) throws Exception {
        try (DirectoryStream<Path> cases = Files.newDirectoryStream(Path.of(arguments[0]))) {
            for (Path each : cases) {
                judge(each);
            }
        }
    }

    private static void judge(Path folder) throws Exception {
        X509Certificate[] chain =
                certificates(folder.resolve("chain.pem")).toArray(new X509Certificate[0]);
        X509TrustManager manager = manager(folder);
        for (String purpose : new String[] {"server", "client"}) {
            String answer = "good";
            try {
                if (purpose.equals("server")) {
                    manager.checkServerTrusted(chain, "ECDHE_ECDSA");
                } else {
                    manager.checkClientTrusted(chain, "EC");
                }
            } catch (CertificateException | RuntimeException refused) {
                Throwable cause = refused;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                answer = "refused " + cause.getMessage();
            }
            System.out.println(folder.getFileName() + " " + purpose + " " + answer);
        }
    }

    private static X509TrustManager manager(Path folder) throws Exception {
        KeyStore roots = KeyStore.getInstance("PKCS12");
        roots.load(null, null);
        for (Certificate root : certificates(folder.resolve("root.pem"))) {
            roots.setCertificateEntry("root", root);
        }
        PKIXRevocationChecker checker =
                (PKIXRevocationChecker)
                        CertPathBuilder.getInstance("PKIX").getRevocationChecker();
        checker.setOptions(
                EnumSet.of(
                        PKIXRevocationChecker.Option.PREFER_CRLS,
                        PKIXRevocationChecker.Option.NO_FALLBACK));
        PKIXBuilderParameters parameters =
                new PKIXBuilderParameters(roots, new X509CertSelector());
        try (InputStream in = Files.newInputStream(folder.resolve("lists.pem"))) {
            parameters.addCertStore(
                    CertStore.getInstance(
                            "Collection",
                            new CollectionCertStoreParameters(
                                    CertificateFactory.getInstance("X.509").generateCRLs(in))));
        }
        parameters.addCertPathChecker(checker);
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(new CertPathTrustManagerParameters(parameters));
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    @SuppressWarnings("unchecked")
    private static Collection<X509Certificate> certificates(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            return (Collection<X509Certificate>)
                    CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }
}
