// Reads cases of vectors.txt without their second column, and says what verify.mjs, or the module that is named, makes of
// each.
import { readFileSync } from "node:fs";

const { verify } = await import(process.argv[2] ?? "./verify.mjs");

for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [name, secret, id, timestamp, signature, now, body] = line.split("|");
  const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  const good = verify(secret, headers, Buffer.from(body, "base64"), Number(now));
  console.log(`${name}|${good ? "good" : "bad"}`);
}
