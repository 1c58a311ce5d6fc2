import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * Reads INI texts from standard input and answers with what java.util.Properties makes of each.
 *
 * <p>Question: length (int), that many bytes of UTF-8. Answer: -1 where load(Reader) throws
 * IllegalArgumentException, else the number of entries (int), then for each key and value the
 * length in bytes (int) and the text in UTF-16BE, lone surrogates and all.
 */
public final class PropertiesJudge {
    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        while (true) {
            int length;
            try {
                length = in.readInt();
            } catch (EOFException end) {
                break;
            }
            byte[] bytes = in.readNBytes(length);
            answer(new String(bytes, StandardCharsets.UTF_8), out);
        }
        out.flush();
    }

    private static void answer(String text, DataOutputStream out) throws IOException {
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(text));
        } catch (IllegalArgumentException malformed) {
            out.writeInt(-1);
            return;
        }
        out.writeInt(properties.size());
        for (var entry : properties.entrySet()) {
            write((String) entry.getKey(), out);
            write((String) entry.getValue(), out);
        }
    }

    private static void write(String text, DataOutputStream out) throws IOException {
        out.writeInt(2 * text.length());
        out.writeChars(text);
    }
}
