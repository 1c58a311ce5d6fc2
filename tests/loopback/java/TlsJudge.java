import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** A TLS client that trusts any server, or a server that trusts the JDK's roots; prints what it meets. */
public class TlsJudge {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[1]);
        KeyManager[] keys = keys(arguments[2]);
        SSLContext context = SSLContext.getInstance("TLS");
        if (arguments[0].equals("client")) {
            context.init(keys, new TrustManager[] {new Anybody()}, null);
            client(context, port);
        } else {
            context.init(keys, null, null);
            server(context, port);
        }
    }

    private static void client(SSLContext context, int port) {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
            socket.startHandshake();
            byte[] heard = new byte[4096];
            System.out.println("read " + socket.getInputStream().read(heard));
        } catch (Exception error) {
            System.out.println(error);
        }
    }

    private static void server(SSLContext context, int port) throws Exception {
        SSLServerSocket listening = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(port);
        listening.setNeedClientAuth(true);
        while (true) {
            try (SSLSocket socket = (SSLSocket) listening.accept()) {
                socket.startHandshake();
            } catch (Exception error) {
                System.out.println(error);
            }
        }
    }

    private static KeyManager[] keys(String path) throws Exception {
        if (path.equals("none")) {
            return null;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(path)) {
            store.load(file, "changeit".toCharArray());
        }
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, "changeit".toCharArray());
        return factory.getKeyManagers();
    }

    private static final class Anybody implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
