import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Runs one keytool command line for each line of input: words apart by tabs; one JVM for all. */
@SuppressWarnings("removal")
public class Keytool {
    static class Exit extends SecurityException {
        final int status;

        Exit(int status) {
            this.status = status;
        }
    }

    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.setSecurityManager(new SecurityManager() {
            @Override
            public void checkExit(int status) {
                throw new Exit(status);
            }

            @Override
            public void checkPermission(java.security.Permission permission) {
            }
        });
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.setIn(InputStream.nullInputStream());
            ByteArrayOutputStream shown = new ByteArrayOutputStream();
            System.setOut(new PrintStream(shown, true, StandardCharsets.UTF_8));
            int status = 0;
            try {
                sun.security.tools.keytool.Main.main(line.split("\t"));
            } catch (Exit exit) {
                status = exit.status;
            } catch (Throwable failure) {
                status = 1;
            }
            System.out.flush();
            answers.println(status + " " + shown.size());
            answers.write(shown.toByteArray());
            answers.println();
            answers.flush();
        }
    }
}
