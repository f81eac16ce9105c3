// Verification pages, as visitors of another site see them: by themselves and in that site's frame, light and dark, with
// scripts and without, and back to the site with a result that its back end exchanges.
import assert from "node:assert/strict";
import http from "node:http";
import { after, test } from "node:test";
import { judge, staged, visitor } from "./lib.mjs";

const { browser, server, base } = await staged();
const { key } = await server.key();

async function api(path, body) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const answer = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

// Another site: the page in a frame, and where its visitors come back to.
let framed = "";
const site = http.createServer((request, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8");
  const { pathname } = new URL(request.url, "http://x");
  response.end(pathname === "/"
    ? `<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1><iframe title="Confirm your number" width="420" height="560" src="${framed}"></iframe>`
    : `<!doctype html><html lang="en"><title>Shop</title><main><h1>Welcome back</h1></main>`);
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
after(() => site.close());
const shop = `http://localhost:${site.address().port}`;
const back = `${shop}/signed-in`;

const { body: channel } = await api("/v1/channels", { name: "Codes", type: "test" });
const made = await api("/v1/verification-pages", {
  name: "Shop sign-in",
  app_name: "Nord & <i>Söhne</i>",
  accent: "#ffe14d",
  accent_dark: "#0b3d91",
  channel_id: channel.id,
  return_urls: [back],
  frame_ancestors: [shop],
  texts: { ar: { title: "تأكيد رقم هاتفك", phone: "رقم الهاتف" } },
});
assert.equal(made.status, 201, JSON.stringify(made.body));
const address = made.body.url;
framed = `${address}?state=in+a+frame`;

// The result that the visitor came back with, as the site's back end learns it.
async function exchanged(url) {
  const query = new URL(url).searchParams;
  const { status, body } = await api("/v1/verification-pages/results", { token: query.get("result") });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.verification.id, query.get("verification_id"));
  assert.equal(body.state, query.get("state"));
  return body;
}

test("the page is fit to be seen", async () => {
  await judge(browser, base, new URL(address).pathname, { themed: false, album: "verify" });
  await judge(browser, base, `${new URL(address).pathname}?locale=ar`, { themed: false, album: "verify" });
});

for (const javaScriptEnabled of [true, false]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`there and back, ${colorScheme}, ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
      const phone = `+1202555${javaScriptEnabled ? "01" : "02"}${colorScheme === "dark" ? "31" : "32"}`;
      const options = { javaScriptEnabled, colorScheme };
      const { page, at, press, context, faults, close } = await visitor(browser, [base, shop], options);
      await page.goto(`${address}?state=s+1`);
      await at("Confirm your phone number");
      assert.match(await page.locator(".brand").innerText(), /Nord & <i>Söhne<\/i>/);
      // The button has the site's colour, and ink that can be read on it.
      const look = await page.getByRole("button", { name: "Send the code" }).evaluate((button) => getComputedStyle(button).backgroundColor);
      assert.equal(look, colorScheme === "dark" ? "rgb(11, 61, 145)" : "rgb(255, 225, 77)");
      await page.getByLabel("Phone number").fill("12");
      await press("Send the code");
      await at("Confirm your phone number");
      assert.equal(await page.getByLabel("Phone number").getAttribute("aria-invalid"), "true");
      await page.getByLabel("Phone number").fill(phone);
      await press("Send the code");
      const code = page.getByLabel("Code");
      await code.waitFor();
      await at("Confirm your phone number");
      assert.equal(await code.getAttribute("autocomplete"), "one-time-code");
      await code.fill("000000");
      await code.press("Enter");
      await page.getByText("This code is not right.").waitFor();
      await at("Confirm your phone number");
      await page.getByLabel("Code").fill("424242");
      await press("Confirm");
      await page.getByRole("heading", { name: "Welcome back" }).waitFor();
      assert.equal((await exchanged(page.url())).verification.phone, phone);
      assert.deepEqual(await context.cookies(base), [], "no cookie of ours");
      assert.deepEqual(faults, []);
      await close();
    });
  }
}

test("in the site's frame, and in no other", async () => {
  const { page, faults, close } = await visitor(browser, [base, shop], {});
  await page.goto(shop);
  const frame = page.frameLocator("iframe");
  await frame.getByLabel("Phone number").fill("+12025550133");
  await frame.getByRole("button", { name: "Send the code" }).click();
  await frame.getByLabel("Code").fill("424242");
  await frame.getByRole("button", { name: "Confirm" }).click();
  await frame.getByRole("heading", { name: "Welcome back" }).waitFor();
  const inside = page.frames().find((one) => one.url().startsWith(back));
  assert.equal((await exchanged(inside.url())).state, "in a frame");
  // A browser leaves the cursor where it is when a frame of elsewhere would like to have it, and says so.
  assert.deepEqual(faults.filter((fault) => !fault.startsWith("Blocked autofocusing")), []);
  await close();
  // The same site under another name is another origin.
  const stranger = await visitor(browser, [base, shop, shop.replace("localhost", "127.0.0.1")], {});
  await stranger.page.goto(shop.replace("localhost", "127.0.0.1"));
  await stranger.page.waitForLoadState("networkidle");
  assert.equal(await stranger.page.frameLocator("iframe").getByLabel("Phone number").count(), 0);
  await stranger.close();
});
