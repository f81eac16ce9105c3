// Reads cases of vectors.txt without their second column, and says what Verify.java makes of each.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.Map;

public final class Run {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] part = line.split("\\|", -1);
            Map<String, String> headers =
                    Map.of("webhook-id", part[2], "webhook-timestamp", part[3], "webhook-signature", part[4]);
            byte[] body = Base64.getDecoder().decode(part[6]);
            boolean good = Verify.verify(part[1], headers, body, Long.parseLong(part[5]));
            System.out.println(part[0] + "|" + (good ? "good" : "bad"));
        }
    }
}
