// Verify a Gatepost webhook (Standard Webhooks). Node.js 16 or later, nothing to install.
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE = 300; // seconds

/**
 * Whether the request is from Gatepost, unchanged, and not older than five minutes.
 * secret: the endpoint's, whsec_…    headers: by lower-case names    body: a Buffer of the raw bytes, before any parsing
 */
export function verify(secret, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^[A-Za-z0-9_-]+$/.test(id) || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const hmac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${hmac.digest("base64")}`);
  // Several signatures while a secret is being replaced: one that fits is enough.
  const given = (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one));
  return given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}
