// Signing in and out: with a password, an authenticator app, a recovery code, a passkey; and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOME, addPasskey, judge, setUpApp, signIn, staged, visitor } from "./lib.mjs";

const SECURITY = "Sign-in and security";

const { browser, server, base } = await staged();

test("the pages before signing in are fit to be seen", async (t) => {
  for (const address of ["/sign-in", "/forgot", "/sso/everybody"]) {
    await t.test(address, () => judge(browser, base, address));
  }
});

test("a password opens the page that was asked for, a wrong one nothing", async () => {
  const person = await server.person({ role: "admin" });
  const visit = await visitor(browser, base);
  const { page, at, refused, press } = visit;
  await page.goto(`${base}/w/${server.workspace}/keys?limit=5`);
  await at("Sign in");
  await signIn(visit, { ...person, password: "not the password at all" });
  await at("Sign in");
  await refused(/E-mail address or password is wrong/);
  assert.equal(await page.getByLabel("E-mail").inputValue(), person.email);
  assert.equal(await page.getByLabel("Password").inputValue(), "");
  await signIn(visit, { email: "nobody@example.com", password: person.password });
  await refused(/E-mail address or password is wrong/);
  await signIn(visit, person);
  await at("API keys");
  assert.equal(page.url(), `${base}/w/${server.workspace}/keys?limit=5`);
  // Whoever is signed in has nothing to do on that page, and out is out.
  await page.goto(`${base}/sign-in`);
  await at(HOME);
  await press("Your account: Ann Example");
  await press("Sign out");
  await at("Sign in");
  await page.goto(`${base}/w/${server.workspace}`);
  await at("Sign in");
  await visit.close();
});

test("nobody is led to another server", async () => {
  const person = await server.person({ role: "agent" });
  const visit = await visitor(browser, base);
  await visit.page.goto(`${base}/sign-in?back=${encodeURIComponent("//evil.example/")}`);
  await signIn(visit, person);
  await visit.at(HOME);
  await visit.close();
});

test("an authenticator app, then a recovery code in its place", async () => {
  const person = await server.person({ role: "owner" });
  const visit = await visitor(browser, base);
  const { page, at, press, refused } = visit;
  await page.goto(`${base}/account/security`);
  await signIn(visit, person);
  await at(SECURITY);
  const app = await setUpApp(visit, server);
  await at(SECURITY);

  const again = await visitor(browser, base);
  await again.page.goto(`${base}/account/security`);
  await signIn(again, person);
  await again.at("Second step");
  await again.page.getByLabel("Code", { exact: true }).fill("000000");
  await again.press("Sign in");
  await again.at("Second step");
  await again.refused(/did not open your account/);
  const code = await server.nextCode(app.secret);
  await again.page.getByLabel("Code", { exact: true }).fill(code);
  await again.press("Sign in");
  await again.at(SECURITY);

  // The same code opens nothing again; a recovery code does, once.
  const lost = await visitor(browser, base);
  const second = async (recovery) => {
    await lost.page.getByText("Use a recovery code instead").click();
    await lost.page.getByLabel("Recovery code").fill(recovery);
    await lost.press("Sign in with the recovery code");
  };
  await lost.page.goto(`${base}/account/security`);
  await signIn(lost, person);
  await lost.page.getByLabel("Code", { exact: true }).fill(code);
  await lost.press("Sign in");
  await lost.refused(/did not open your account/);
  await second(app.codes[0]);
  await lost.at(SECURITY);
  await lost.page.getByText("9 left").waitFor();
  await lost.context.clearCookies();
  await lost.page.goto(`${base}/account/security`);
  await signIn(lost, person);
  await second(app.codes[0]);
  await lost.refused(/did not open your account/);
  assert.match((await server.mail(person.email, "recovery code")).text, /recovery code/);

  // Removed: the password is enough again, and the other browsers are out.
  await page.goto(`${base}/account/security`);
  await page.getByRole("link", { name: "Remove the app" }).click();
  await at("Remove the authenticator app?");
  await press("Remove the app");
  await at(SECURITY);
  await again.page.reload();
  await again.at("Sign in");
  for (const each of [visit, again, lost]) await each.close();
});

test("a passkey alone opens the page that was asked for", async () => {
  const person = await server.person({ role: "admin" });
  const visit = await visitor(browser, base, { device: true });
  const { page, at, press, follow } = visit;
  await page.goto(`${base}/account/security`);
  await signIn(visit, person);
  await addPasskey(visit, "This laptop");
  await at("Your recovery codes");
  await follow("I have kept them");
  await press("Your account: Ann Example");
  await press("Sign out");
  await page.goto(`${base}/w/${server.workspace}/audit`);
  await press("Sign in with a passkey");
  await at("Sign in with a passkey");
  await press("Use a passkey");
  await at("Audit log");

  // After a password it is the second step; and a fresh proof is asked for after five minutes.
  await press("Your account: Ann Example");
  await press("Sign out");
  await page.goto(`${base}/w/${server.workspace}/members`);
  await signIn(visit, person);
  await at("Second step");
  await press("Use your passkey");
  await at("Members");
  for (let waited = 0; waited < 310; waited += 31) await server.nextCode("AAAAAAAA");
  await page.goto(`${base}/account/security`);
  await press("Make new codes");
  await at("Is it you?");
  await press("Use a passkey");
  await at("Is it you?");
  await press("Use your passkey");
  await at(SECURITY);
  await press("Make new codes");
  await at("Your recovery codes");
  await visit.close();
});

test("at an address where passkeys cannot work the page says where they do", async () => {
  const person = await server.person({ role: "agent" });
  const visit = await visitor(browser, [base, server.base]);
  await visit.page.goto(`${server.base}/sign-in?back=/account/security`);
  await visit.at("Sign in");
  assert.equal(await visit.page.getByRole("button", { name: "Sign in with a passkey" }).count(), 0);
  await visit.page.getByRole("link", { name: base }).click();
  await visit.at("Sign in");
  await signIn(visit, person);
  await visit.at(SECURITY);
  await visit.close();
});

test("a password is forgotten, and set by the link in the mail", async () => {
  const person = await server.person({ role: "agent" });
  const elsewhere = await visitor(browser, base);
  await elsewhere.page.goto(`${base}/account/sessions`);
  await signIn(elsewhere, person);
  await elsewhere.at("Sessions");

  const visit = await visitor(browser, base);
  const { page, at, press, told, refused } = visit;
  await page.goto(`${base}/sign-in`);
  await visit.follow("I have forgotten my password");
  await at("Forgot your password?");
  // An unknown address has the same answer.
  for (const email of ["nobody@example.com", person.email]) {
    await page.getByLabel("E-mail address").fill(email);
    await press("Send the link");
    await at("Forgot your password?");
    await told(/If this address has an account, a link is on its way/);
  }
  const { link } = await server.mail(person.email, "password");
  await page.goto(link);
  await at("Set a new password");
  await page.getByLabel("New password").fill("password12345678");
  await press("Set the password");
  await at("Set a new password");
  await refused(/password/i);
  const password = "nine herons over the estuary";
  await page.getByLabel("New password").fill(password);
  await press("Set the password");
  await at("Sign in");
  await told(/Your new password is set/);
  await signIn(visit, person);
  await refused(/is wrong/);
  await signIn(visit, { ...person, password });
  await at(HOME);
  // The other session is over, and the link is used up.
  await elsewhere.page.reload();
  await elsewhere.at("Sign in");
  await elsewhere.page.goto(link);
  await elsewhere.page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await elsewhere.page.getByLabel("New password").count(), 0);
  assert.deepEqual(elsewhere.faults, []);
  for (const each of [visit, elsewhere]) await each.close();
});
