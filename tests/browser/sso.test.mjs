// Signing in through an identity provider: the operator's for everybody, a workspace's for its members.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOME, judge, signIn, staged, visitor } from "./lib.mjs";

const BUTTON = "Continue with Everybody’s ID";

const { browser, server, base, home } = await staged();

// A browser that may go to the provider.
const visiting = () => visitor(browser, [base, server.idp]);

// Somebody of that role who has linked their account at the provider.
async function linked(role, sub) {
  const person = await server.person(role ? { role } : {});
  await server.there(sub, person.email);
  const visit = await visiting();
  await visit.page.goto(`${base}/account/linked`);
  await signIn(visit, person);
  await visit.at("Linked accounts");
  await visit.press("Link Everybody’s ID");
  await visit.at("Linked accounts");
  await visit.told(/The account is linked/);
  return { ...visit, person };
}

test("through the operator's provider back to the page that was asked for", async () => {
  const known = await linked("admin", "1");
  const visit = await visiting();
  const { page, at, press } = visit;
  await page.goto(`${home}/members?`);
  await at("Sign in");
  await press(BUTTON);
  await at("Members");
  assert.match(page.url(), /\/members\??$/);
  for (const each of [known, visit]) await each.close();
});

test("a second factor is asked for on the way, and the page stays the same", async () => {
  const known = await linked("admin", "2");
  const { page, press } = known;
  await page.goto(`${base}/account/security`);
  await press("Set up an app");
  const secret = await page.locator("code.whole").innerText();
  await page.getByLabel("Code", { exact: true }).fill(await server.nextCode(secret));
  await press("Turn it on");
  await known.at("Your recovery codes");
  const visit = await visiting();
  await visit.page.goto(`${home}/keys`);
  await visit.press(BUTTON);
  await visit.at("Second step");
  await visit.page.getByLabel("Code", { exact: true }).fill(await server.nextCode(secret));
  await visit.press("Sign in");
  await visit.at("API keys");
  for (const each of [known, visit]) await each.close();
});

test("an account that nobody has linked opens nothing", async () => {
  await server.there("stranger", "stranger@example.com");
  const visit = await visiting();
  await visit.page.goto(`${base}/sign-in`);
  await visit.press(BUTTON);
  await visit.at("That did not work");
  await visit.follow("Back to signing in");
  await visit.at("Sign in");
  await visit.close();
});

// The link of an invitation.
async function invited(email) {
  const cookies = await server.cookies("owner", { domain: "localhost" });
  const owner = await visitor(browser, base, { cookies });
  await owner.page.goto(`${home}/members/invite`);
  await owner.page.getByLabel("E-mail address").fill(email);
  await owner.press("Invite");
  await owner.at("Members");
  await owner.close();
  return (await server.mail(email, "Invitation")).link;
}

test("an invitation is accepted through the provider, by who is new and by who is known", async () => {
  const email = "ada@shop.example";
  const link = await invited(email);
  await server.there("ada", email);
  const visit = await visiting();
  await visit.page.goto(link);
  await visit.at("Join a workspace");
  await visit.press(BUTTON);
  await visit.at(HOME);

  const known = await linked(null, "known");
  const again = await visiting();
  await again.page.goto(await invited(known.person.email));
  await again.press(BUTTON);
  await again.at("Join a workspace");
  await again.press("Accept");
  await again.at(HOME);
  for (const each of [visit, known, again]) await each.close();
});

test("a workspace's own provider: added, linked, entered, and the only way in", async () => {
  const person = await server.person({ role: "owner" });
  await server.there("own", person.email);
  const owner = await visiting();
  const { page, at, press, follow, told, refused } = owner;
  await page.goto(`${home}/sso`);
  await signIn(owner, person);
  await at("Identity providers");
  await page.getByLabel("Name").fill("Our ID");
  await page.getByLabel("Issuer").fill("https://10.0.0.1");
  await page.getByLabel("Client id").fill("gatepost client");
  await page.getByLabel("Client secret").fill("a:secret&with+all/kinds=%");
  await press("Add the provider");
  await at("Identity providers");
  await refused(/cannot be used/);
  await page.getByLabel("Issuer").fill(server.idp);
  await page.getByLabel("Client secret").fill("a:secret&with+all/kinds=%");
  await press("Add the provider");
  await told(/The provider is added/);
  await follow("Open");
  await at("Our ID");
  const one = page.url();
  const entry = await page.getByText(/\/sso\/idp_[a-z0-9]+$/).first().innerText();
  await judge(browser, base, new URL(one).pathname, { cookies: await owner.context.cookies() });

  // Link, enter through it to the page that was asked for, and make it the only way in.
  await page.goto(`${base}/account/linked`);
  await press("Link Our ID");
  await told(/The account is linked/);
  const through = await visiting();
  await through.page.goto(`${entry}?back=${encodeURIComponent(new URL(one).pathname)}`);
  await through.at("Sign in");
  await through.press("Continue with Our ID");
  await through.at("Our ID");
  // Out of this workspace such a session leads nowhere.
  await through.page.goto(`${base}/account/security`);
  await through.page.getByRole("heading", { level: 1 }).waitFor();
  assert.notEqual(await through.page.getByRole("heading", { level: 1 }).innerText(), "Sign-in and security");
  await through.page.goto(one);
  await through.page.getByLabel("The only way in").check();
  await through.press("Save");
  await through.told(/The provider is saved/);

  const agent = await server.person({ role: "admin" });
  const visit = await visiting();
  await visit.page.goto(`${home}/audit`);
  await signIn(visit, agent);
  await visit.at("This workspace is entered through its identity provider");
  await visit.follow("Sign in through the provider");
  await visit.at("Sign in");
  await server.there("own", person.email);
  await visit.press("Continue with Our ID");
  await visit.at("Audit log");
  for (const each of [owner, through, visit]) await each.close();
});
