// Another site makes a browser that is signed in send forms. Each lock alone must refuse them all; with every lock open the
// attack must succeed, or it would prove nothing.
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { launch, stage } from "./lib.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

// Two sites without DNS: the victim is at 127.0.0.1, the attacker at localhost.
async function attacker(pages) {
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(pages[new URL(request.url, "http://x").pathname] ?? "<p>nothing</p>");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { base: `http://localhost:${server.address().port}`, stop: () => server.close() };
}

const FIELDS = { entries: "203.0.113.66 attacker", do: "save" };
const ENCODED = new URLSearchParams(FIELDS).toString();

function form(action, { type = "application/x-www-form-urlencoded", method = "post", more = {} } = {}) {
  const inputs = Object.entries({ ...FIELDS, ...more }).map(([name, value]) => `<input name="${name}" value="${value}">`);
  return `<form method="${method}" enctype="${type}" action="${action}">${inputs.join("")}</form><script>document.forms[0].submit()</script>`;
}

function attacks(target) {
  const bare = target.split("?")[0];
  return {
    "/form": form(target),
    "/plain": form(target, { type: "text/plain" }),
    "/multipart": form(target, { type: "multipart/form-data" }),
    "/get": form(bare, { method: "get", more: { _method: "POST" } }),
    "/override": form(`${target}&_method=PUT`, { more: { _method: "PUT" } }),
    "/guess": form(target, { more: { csrf: "A".repeat(43) } }),
    "/frame": `<iframe name="f"></iframe>${form(target).replace("<form", '<form target="f"')}`,
    "/image": `<img src="${bare}?${ENCODED}"><p>done</p>`,
    "/fetch": `<script>fetch("${target}", {method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams("${ENCODED}")}).catch(() => 0).finally(() => document.title = "done")</script>`,
    "/json": `<script>fetch("${target}", {method: "POST", credentials: "include", headers: {"content-type": "application/json"}, body: "{}"}).catch(() => 0).finally(() => document.title = "done")</script>`,
    "/beacon": `<script>navigator.sendBeacon("${target}", new URLSearchParams("${ENCODED}")); document.title = "done"</script>`,
  };
}

// Whether the list of addresses has the attacker's in it.
async function taken(server, cookies) {
  const context = await browser.newContext();
  await context.addCookies(cookies);
  const page = await context.newPage();
  await page.goto(server.path("/allowlist"));
  const text = await page.locator("textarea").inputValue();
  await context.close();
  return text.includes("203.0.113.66");
}

async function attack(name, locks, sameSite) {
  const server = await stage(...locks);
  const pages = attacks(`${server.path("/allowlist")}?mode=live`);
  const site = await attacker(pages);
  try {
    const cookies = await server.cookies("owner", { sameSite });
    const succeeded = [];
    for (const path of Object.keys(pages)) {
      const context = await browser.newContext();
      await context.addCookies(cookies);
      // The victim has the console open, as people do.
      await (await context.newPage()).goto(server.path(""));
      const page = await context.newPage();
      const landed = page.waitForResponse((response) => response.url().startsWith(server.base), { timeout: 3000 }).catch(() => null);
      await page.goto(site.base + path).catch(() => null);
      await landed;
      await page.waitForTimeout(150);
      await context.close();
      if (await taken(server, cookies)) {
        succeeded.push(path);
        break;
      }
    }
    return succeeded;
  } finally {
    site.stop();
    await server.stop();
  }
}

test("with every lock open the attack succeeds", async () => {
  assert.deepEqual(await attack("none", ["none"], "None"), ["/form"]);
});

for (const [lock, sameSite] of [["same_site", "Lax"], ["origin", "None"], ["token", "None"]]) {
  test(`${lock} holds alone`, async () => {
    assert.deepEqual(await attack(lock, [lock], sameSite), []);
  });
}

test("all of them together", async () => {
  assert.deepEqual(await attack("all", [], "Lax"), []);
});
