// Verify a Gatepost webhook (Standard Webhooks). Java 9 or later, nothing to install.
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Verify {
    private static final long TOLERANCE = 300; // seconds

    /**
     * Whether the request is from Gatepost, unchanged, and not older than five minutes.
     *
     * @param secret the endpoint's, whsec_…
     * @param headers by lower-case names
     * @param body the raw bytes, before any parsing
     * @param now seconds since 1970, such as System.currentTimeMillis() / 1000
     */
    public static boolean verify(String secret, Map<String, String> headers, byte[] body, long now)
            throws GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String timestamp = headers.getOrDefault("webhook-timestamp", "");
        if (!id.matches("[A-Za-z0-9_-]+") || !timestamp.matches("[0-9]{1,12}")) {
            return false;
        }
        if (Math.abs(now - Long.parseLong(timestamp)) > TOLERANCE) {
            return false;
        }
        byte[] key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(UTF_8);
        // Several signatures while a secret is being replaced: one that fits is enough.
        boolean good = false;
        for (String one : headers.getOrDefault("webhook-signature", "").split(" ")) {
            good |= MessageDigest.isEqual(expected, one.getBytes(UTF_8));
        }
        return good;
    }
}
