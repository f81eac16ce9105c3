// Second factors and passkeys, with an authenticator that Chromium plays: made, used alone, removed; and lost without
// scripts, as the pages say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, staged, visitor } from "./lib.mjs";

const { browser, server, base } = await staged();

const cookies = (role) => server.cookies(role, { domain: "localhost" });

// A browser of somebody with that role, and a device in it.
async function signedIn(role, options) {
  return visitor(browser, base, { cookies: await cookies(role), device: true, ...options });
}

// Begins to sign in with a passkey, as the button of the sign-in page does.
async function begin(page) {
  await page.evaluate(() => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: "/sign-in/passkey" });
    for (const [name, value] of [["csrf", document.querySelector("input[name=csrf]").value], ["back", "/account/security"]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  });
  await page.getByRole("heading", { name: "Sign in with a passkey" }).waitFor();
}

test("the pages are fit to be seen", async (t) => {
  for (const address of ["/account/security", "/account/security/app/remove"]) {
    await t.test(address, async () => judge(browser, base, address, { cookies: await cookies("agent") }));
  }
});

test("a passkey from its making to its end", async () => {
  const { context, page, faults, verifies, held } = await signedIn("owner");
  await page.goto(`${base}/account/security`);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByLabel("Name").fill("This laptop");
  await page.getByRole("button", { name: "Go on" }).click();
  const codes = await page.getByLabel("Recovery codes").inputValue();
  assert.equal(codes.split("\n").length, 10);
  const [made] = await held();
  assert.ok(made.isResidentCredential && made.rpId === "localhost");
  await page.getByRole("link", { name: "I have kept them" }).click();
  await page.getByRole("rowheader", { name: "This laptop" }).waitFor();

  // Alone. Whoever does not verify themselves to the device is told so and not let in.
  await begin(page);
  await verifies(false);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("That did not work.").waitFor();
  await verifies(true);
  const before = (await context.cookies()).find(({ name }) => name === "__Host-gatepost").value;
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("heading", { name: "Sign-in and security", level: 1 }).waitFor();
  assert.notEqual((await context.cookies()).find(({ name }) => name === "__Host-gatepost").value, before);

  // The same device makes no second one for the same account.
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByLabel("Name").fill("Again");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("That did not work.").waitFor();
  assert.equal((await held()).length, 1);

  await page.goto(`${base}/account/security`);
  await page.getByRole("link", { name: "Change", exact: true }).click();
  await page.getByRole("button", { name: "Remove the passkey" }).click();
  assert.match(await page.getByRole("status").innerText(), /The passkey is removed/);
  await begin(page);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  assert.match(await page.locator("#errors").innerText(), /This passkey opened no account/);
  assert.deepEqual(faults, []);
  await context.close();
});

test("an authenticator app is set up without scripts, and a passkey says that it needs them", async () => {
  const { context, page, faults } = await signedIn("analyst", { javaScriptEnabled: false });
  await page.goto(`${base}/account/security`);
  await page.getByRole("button", { name: "Set up an app" }).click();
  await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  await page.getByRole("textbox", { name: "Code" }).fill("000000");
  await page.getByRole("button", { name: "Turn it on" }).click();
  assert.match(await page.locator("#errors").innerText(), /not the code that the app shows/);
  await page.goto(`${base}/account/security`);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("Passkeys need a script.").waitFor({ timeout: 5000 });
  await page.getByLabel("Name").fill("Nothing");
  await page.getByRole("button", { name: "Go on" }).click();
  assert.match(await page.locator("#errors").innerText(), /The browser sent no passkey/);
  assert.deepEqual(faults, []);
  await context.close();
});
