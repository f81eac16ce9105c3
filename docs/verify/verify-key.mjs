// Verify a Gatepost webhook by the endpoint's public key (Standard Webhooks, v1a). Node.js 16 or later, nothing to install.
import { createPublicKey, verify as fits } from "node:crypto";

const TOLERANCE = 300; // seconds

/**
 * Whether the request is from Gatepost, unchanged, and not older than five minutes.
 * key: the endpoint's, whpk_…    headers: by lower-case names    body: a Buffer of the raw bytes, before any parsing
 */
export function verify(key, headers, body, now = Date.now() / 1000) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  if (!/^[A-Za-z0-9_-]+$/.test(id) || !/^[0-9]{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) return false;
  const x = Buffer.from(key.slice("whpk_".length), "base64").toString("base64url");
  const publicKey = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  // Several signatures while a key is being replaced: one that fits is enough.
  return (headers["webhook-signature"] ?? "").split(" ").some((one) => {
    if (!one.startsWith("v1a,")) return false;
    const signature = Buffer.from(one.slice("v1a,".length), "base64");
    return signature.toString("base64") === one.slice("v1a,".length) && fits(null, signed, publicKey, signature);
  });
}
