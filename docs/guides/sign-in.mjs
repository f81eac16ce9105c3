// A sign-in with codes over WhatsApp, whole: `GATEPOST=https://gatepost.example GATEPOST_KEY=gp_test_… node sign-in.mjs`
// Node 18 or newer, no packages. See sign-in-web.md.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";

const gatepost = process.env.GATEPOST;
const key = process.env.GATEPOST_KEY;

/** Sessions of visitors. Use your framework's; what matters is that they lie on the server. */
const sessions = new Map();

/** One call of the API: the status and the body. */
async function call(method, path, body) {
  const answer = await fetch(gatepost + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Sends a code; what the visitor is told. */
export async function begin(session, number, address) {
  const { status, body } = await call("POST", "/v1/verifications", {
    to: number, client_ip: address, intent: "sign_in", app_name: "Example Shop",
  });
  if (status !== 201) return body.code === "recipient_invalid" ? "number" : "later";
  session.verification = body.id;
  return "sent";
}

/** Checks a code; what the visitor is told. */
export async function finish(session, code) {
  if (!session.verification) return "begin";
  const { status, body } = await call("POST", `/v1/verifications/${session.verification}/check`, { code });
  if (status === 200) {
    delete session.verification;
    session.phone = body.phone;
    return "signed_in";
  }
  if (status === 422 && (body.code === "invalid_code" || body.code === "invalid_field")) return "wrong";
  if (status === 422) {
    delete session.verification;
    return "begin";
  }
  return "later";
}

const words = {
  number: "Give your number with its country code.",
  later: "That did not work. Wait a moment, then try again.",
  sent: "We sent you a code on WhatsApp.",
  wrong: "This code is not right.",
  begin: "Begin again with your number.",
  signed_in: "You are signed in.",
};

const page = (told, step) => `<!doctype html><meta charset="utf-8"><title>Sign in</title>
<p>${words[told] ?? "Sign in with your phone."}</p>
<form method="post" action="/${step}">${step === "code"
    ? '<label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" required></label>'
    : '<label>Phone <input name="phone" type="tel" autocomplete="tel" required></label>'}
<button>Go on</button></form>`;

/** The visitor's session, by its cookie. SameSite keeps the forms of other sites out. */
function sessionOf(request, response) {
  const found = /(?:^|; )session=([0-9a-f]{32})/.exec(request.headers.cookie ?? "")?.[1];
  if (found && sessions.has(found)) return sessions.get(found);
  return renew({}, response);
}

/** A new id for a session: whoever is signed in is not known by one that somebody else may have planted. */
function renew(session, response) {
  for (const [id, known] of sessions) if (known === session) sessions.delete(id);
  const id = randomBytes(16).toString("hex");
  sessions.set(id, session);
  response.setHeader("set-cookie", `session=${id}; Path=/; HttpOnly; SameSite=Lax${overTls ? "; Secure" : ""}`);
  return session;
}

const overTls = (process.env.PUBLIC_URL ?? "").startsWith("https:");

export const server = createServer(async (request, response) => {
  const session = sessionOf(request, response);
  let told;
  if (request.method === "POST") {
    let text = "";
    for await (const piece of request) {
      text += piece;
      if (text.length > 10_000) return response.writeHead(413).end();
    }
    const form = new URLSearchParams(text);
    told = request.url === "/code"
      ? await finish(session, form.get("code") ?? "")
      : await begin(session, form.get("phone") ?? "", request.socket.remoteAddress);
    if (told === "signed_in") renew(session, response);
  }
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(page(session.phone ? "signed_in" : told, session.verification ? "code" : "phone"));
});

if (process.argv[1] === new URL(import.meta.url).pathname) {
  server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log(server.address().port));
}
