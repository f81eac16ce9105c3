// The pages of a workspace: fit to be seen, harmless whatever is written in them, and of use without scripts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, staged, watched } from "./lib.mjs";

const PAGES = ["", "/keys", "/keys/new", "/allowlist", "/allowlist?mode=test", "/audit", "/audit?since=yesterday", "/members", "/members/invite", "/notices", "/operator-visits", "/settings", "/settings/delete", "/sso"];
const OWN = ["/workspaces", "/account/security", "/account/sessions", "/account/notices", "/account/linked", "/account/password", "/account/email", "/reauth"];

const { browser, server } = await staged();

// A browser of somebody with that role.
async function signedIn(role, options) {
  const context = await browser.newContext(options);
  await context.addCookies(await server.cookies(role));
  return { context, ...(await watched(context, server.base)) };
}

test("every page is fit to be seen", async (t) => {
  const cookies = await server.cookies("owner");
  for (const rest of [...PAGES, "/nothing"]) {
    await t.test(rest || "/", () => judge(browser, server.base, server.path(rest), { cookies }));
  }
  for (const own of [...OWN, `/workspaces/${server.workspace}/leave`]) {
    await t.test(own, () => judge(browser, server.base, own, { cookies }));
  }
  const { page, context } = await signedIn("owner");
  await page.goto(server.path("/keys"));
  const key = await page.locator("tbody th a").first().getAttribute("href");
  await page.goto(server.path("/members"));
  const member = await page.locator("tbody th a").last().getAttribute("href");
  await context.close();
  for (const rest of ["", "/remove"]) {
    await t.test(`a member${rest}`, () => judge(browser, server.base, member + rest, { cookies }));
  }
  for (const rest of ["", "/rotate", "/revoke", "/allowlist"]) {
    await t.test(`a key${rest}`, () => judge(browser, server.base, key + rest, { cookies }));
  }
});

test("a role that may not is told so on a page", async () => {
  const { page, context, faults } = await signedIn("analyst");
  const answer = await page.goto(server.path("/keys"));
  assert.equal(answer.status(), 403);
  assert.match(await page.locator("h1").innerText(), /You may not do this/);
  await page.goto(server.path(""));
  assert.equal(await page.locator('nav a[href$="/keys"]').count(), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test("what strangers wrote does nothing", async () => {
  const { page, context, faults } = await signedIn("owner");
  for (const rest of PAGES) {
    await page.goto(server.path(rest));
    assert.equal(await page.locator("img, iframe, object, embed, main b").count(), 0, rest);
  }
  await page.goto(server.path("/keys"));
  const names = await page.locator("tbody th a").allInnerTexts();
  assert.ok(names.includes("<script>alert(1)</script>"), names.join("\n"));
  assert.deepEqual(faults, []);
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  test(`a key from its making to its end, ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
    const { page, context, faults } = await signedIn("admin", { javaScriptEnabled });
    const name = `Shop ${javaScriptEnabled}`;
    await page.goto(server.path("/keys/new"));
    await page.getByLabel("Name").fill("");
    await page.getByRole("button", { name: "Make the key" }).click();
    // The form again, with the error where a screen reader begins.
    assert.match(await page.locator("#errors").innerText(), /One thing is not right yet/);
    await page.locator("#errors a").click();
    assert.equal(await page.evaluate(() => document.activeElement.id || location.hash), javaScriptEnabled ? "f-name" : "f-name");
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("read", { exact: true }).check();
    await page.getByRole("button", { name: "Make the key" }).click();
    const secret = await page.getByLabel("API key", { exact: true }).inputValue();
    assert.match(secret, /^gp_test_/);
    assert.equal(await page.getByRole("button", { name: "Copy" }).isVisible(), javaScriptEnabled);
    const answer = await fetch(`${server.base}/v1/messages`, { headers: { "x-api-key": secret } });
    assert.equal(answer.status, 200);
    await page.getByRole("link", { name: "I have copied it" }).click();
    assert.ok(!(await page.content()).includes(secret));
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("link", { name: "Revoke" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Revoke the key" }).click();
    assert.match(await page.getByRole("status").innerText(), /The key is revoked/);
    const refused = await fetch(`${server.base}/v1/messages`, { headers: { "x-api-key": secret } });
    assert.equal(refused.status, 401);
    assert.deepEqual(faults, []);
    await context.close();
  });
}

test("one's own address goes on the list by a button", async () => {
  const { page, context, faults } = await signedIn("owner", { javaScriptEnabled: false });
  await page.goto(server.path("/allowlist"));
  await page.getByLabel("One address or network in a line").fill("192.0.2.0/24 Office");
  await page.getByLabel("Keys may be used from these addresses only").check();
  await page.getByRole("button", { name: "Save the list" }).click();
  assert.match(await page.locator("#errors").innerText(), /127\.0\.0\.1, is not on this list/);
  await page.getByRole("button", { name: "Add my address" }).click();
  assert.match(await page.locator("textarea").inputValue(), /192\.0\.2\.0\/24 Office\s+127\.0\.0\.1 My address/);
  await page.getByRole("button", { name: "Save the list" }).click();
  assert.match(await page.getByRole("status").innerText(), /The list is saved/);
  await page.getByLabel("Keys may be used from these addresses only").uncheck();
  await page.getByRole("button", { name: "Save the list" }).click();
  await page.getByText("The list is off.").waitFor();
  assert.deepEqual(faults, []);
  await context.close();
});

test("the theme is chosen without a script and stays", async () => {
  const { page, context, faults } = await signedIn("agent", { javaScriptEnabled: false });
  await page.goto(server.path(""));
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("button", { name: "Dark" }).click();
  assert.equal(page.url(), server.path(""));
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  const dark = await background();
  await page.getByRole("button", { name: /Your account/ }).click();
  await page.getByRole("button", { name: "Light" }).click();
  assert.notEqual(await background(), dark);
  assert.deepEqual(faults, []);
  await context.close();
});

test("on a phone the sidebar is behind a button, and the keyboard closes it", async () => {
  const { page, context, faults } = await signedIn("owner", { viewport: { width: 390, height: 844 } });
  await page.goto(server.path(""));
  const keys = page.getByRole("navigation", { name: "Workspace" }).getByRole("link", { name: "API keys" });
  assert.equal(await keys.isVisible(), false);
  await page.getByRole("button", { name: "Menu", exact: true }).click();
  assert.equal(await keys.isVisible(), true);
  await page.keyboard.press("Escape");
  assert.equal(await keys.isVisible(), false);
  await page.getByRole("button", { name: "Menu", exact: true }).click();
  await keys.click();
  assert.equal(page.url(), server.path("/keys"));
  assert.deepEqual(faults, []);
  await context.close();
});

test("the content is one key away", async () => {
  const { page, context } = await signedIn("owner");
  await page.goto(server.path("/keys"));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  assert.ok((await page.locator(".skip").boundingBox()).y >= 0, "it shows itself");
  await context.close();
});
