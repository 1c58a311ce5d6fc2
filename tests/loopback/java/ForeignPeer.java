import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.rmi.registry.LocateRegistry;
import java.security.KeyStore;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * A peer of the JDK's own making, for many cases in one virtual machine.
 *
 * <p>Each line of standard input is one case: fields {@code name=value} with tabs between,
 * line ends in them as {@code \r} and {@code \n}. {@code act=call}
 * calls {@code port}; {@code act=listen} opens a port, says {@code ID listening PORT}, and takes one
 * connection. What a Java program would print about it is then said as {@code ID said TEXT}. The end of
 * standard input ends the program.
 */
public final class ForeignPeer {
    private static final int PATIENCE = 20_000;
    private static final Map<String, SSLContext> SHARED = new ConcurrentHashMap<>();

    private final Map<String, String> wanted = new HashMap<>();

    public static void main(String[] none) throws IOException {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ForeignPeer peer = new ForeignPeer(line);
            Thread thread = new Thread(peer::act);
            thread.setDaemon(true);
            thread.start();
        }
        System.exit(0);
    }

    private ForeignPeer(String line) {
        for (String field : line.split("\t")) {
            int equals = field.indexOf('=');
            String value = field.substring(equals + 1).replace("\\r", "\r").replace("\\n", "\n");
            wanted.put(field.substring(0, equals), value);
        }
    }

    private void act() {
        String said;
        try {
            said = wanted.get("act").equals("call") ? call() : listen();
        } catch (Throwable error) {
            said = printed(error);
        }
        say("said", said);
    }

    private void say(String what, String text) {
        String line = text.replace("\n", "\\n").replace("\r", "\\r");
        synchronized (System.out) {
            new PrintStream(System.out, true, StandardCharsets.UTF_8)
                    .println(wanted.get("id") + "\t" + what + "\t" + line);
        }
    }

    /** The exception and its causes, as a stack trace shows them, without the places. */
    private static String printed(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            text.append("\nCaused by: ").append(cause);
        }
        return text.toString();
    }

    private String call() throws Exception {
        int port = Integer.parseInt(wanted.get("port"));
        if (wanted.containsKey("rmi")) {
            return String.join(",", LocateRegistry.getRegistry("127.0.0.1", port).list());
        }
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), port)) {
            plain.setSoTimeout(PATIENCE);
            if (wanted.containsKey("plain")) {
                plain.getOutputStream().write(wanted.get("plain").getBytes(StandardCharsets.ISO_8859_1));
                plain.shutdownOutput();
                return "read: " + read(plain.getInputStream());
            }
            String name = wanted.getOrDefault("name", "");
            SSLSocket socket = (SSLSocket) context(plain).getSocketFactory().createSocket(plain, name, port, true);
            SSLParameters parameters = socket.getSSLParameters();
            if (wanted.containsKey("identify")) {
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
            }
            return talk(socket, parameters);
        }
    }

    private String listen() throws Exception {
        try (Socket plain = admit()) {
            plain.setSoTimeout(PATIENCE);
            if (wanted.containsKey("banner")) {
                plain.getOutputStream().write(wanted.get("banner").getBytes(StandardCharsets.ISO_8859_1));
                return "read: " + read(plain.getInputStream());
            }
            if (wanted.containsKey("close")) {
                return "closed at once";
            }
            if (wanted.containsKey("silent")) {
                return "read: " + read(plain.getInputStream());
            }
            SSLSocket socket = (SSLSocket) context(plain).getSocketFactory().createSocket(plain, null, true);
            socket.setUseClientMode(false);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setNeedClientAuth(!wanted.containsKey("anybody"));
            return talk(socket, parameters);
        }
    }

    /** Open a port for one connection. */
    private Socket admit() throws IOException {
        try (ServerSocket door = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            say("listening", String.valueOf(door.getLocalPort()));
            door.setSoTimeout(PATIENCE);
            return door.accept();
        }
    }

    private String talk(SSLSocket socket, SSLParameters parameters) throws IOException {
        if (wanted.containsKey("protocols")) {
            parameters.setProtocols(wanted.get("protocols").split(","));
        }
        if (wanted.containsKey("ciphers")) {
            parameters.setCipherSuites(wanted.get("ciphers").split(","));
        }
        if (wanted.containsKey("alpn")) {
            parameters.setApplicationProtocols(wanted.get("alpn").split(","));
        }
        socket.setSSLParameters(parameters);
        try (socket) {
            socket.startHandshake();
            if (wanted.containsKey("say")) {
                socket.getOutputStream().write(wanted.get("say").getBytes(StandardCharsets.ISO_8859_1));
            }
            return "read: " + read(socket.getInputStream());
        }
    }

    /** Read to the end; what is no printable ASCII becomes a dot. */
    private static String read(InputStream stream) throws IOException {
        ByteArrayOutputStream heard = new ByteArrayOutputStream();
        stream.transferTo(heard);
        return heard.toString(StandardCharsets.ISO_8859_1).replaceAll("[^\\x20-\\x7e]", ".");
    }

    /** One of its own, or with {@code shared=NAME} that of an earlier case, with its cache of sessions. */
    private SSLContext context(Socket plain) throws Exception {
        SSLContext known = SHARED.get(wanted.getOrDefault("shared", ""));
        if (known != null) {
            return known;
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys(), trust(plain), null);
        if (wanted.containsKey("shared")) {
            SHARED.put(wanted.get("shared"), context);
        }
        return context;
    }

    private KeyManager[] keys() throws Exception {
        if (!wanted.containsKey("store")) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        char[] password = "changeit".toCharArray();
        try (FileInputStream file = new FileInputStream(wanted.get("store"))) {
            store.load(file, password);
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, password);
        return factory.getKeyManagers();
    }

    /** Nothing named: the JDK's own roots. */
    private TrustManager[] trust(Socket plain) throws Exception {
        if (wanted.containsKey("abort")) {
            return new TrustManager[] {new Aborting(plain)};
        }
        if (!wanted.containsKey("roots")) {
            return null;
        }
        CertificateFactory reader = CertificateFactory.getInstance("X.509");
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (FileInputStream file = new FileInputStream(wanted.get("roots"))) {
            for (Certificate root : reader.generateCertificates(file)) {
                store.setCertificateEntry("root" + store.size(), root);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        if (wanted.containsKey("crl")) {
            try (FileInputStream file = new FileInputStream(wanted.get("crl"))) {
                PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
                parameters.addCertStore(CertStore.getInstance(
                        "Collection", new CollectionCertStoreParameters(reader.generateCRLs(file))));
                factory.init(new CertPathTrustManagerParameters(parameters));
            }
        } else {
            factory.init(store);
        }
        return factory.getTrustManagers();
    }

    /** Goes away in the middle of the handshake, when it has seen the other side's certificate. */
    private record Aborting(Socket plain) implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {
            checkServerTrusted(chain, type);
        }

        public void checkServerTrusted(X509Certificate[] chain, String type) {
            try {
                plain.close();
            } catch (IOException error) {
                throw new IllegalStateException(error);
            }
        }

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
