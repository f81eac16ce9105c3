// The program itself, from its first start.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addPasskey, judge, launch, serve, signIn, visitor } from "./lib.mjs";

const PASSWORD = "four lighthouses in a drizzle";
const EMAIL = "ann@example.com";

let browser, server, base, desk;
before(async () => {
  browser = await launch();
  server = await serve();
  base = new URL(server.started.setup_url).origin;
  desk = server.started.operators_url.replace("127.0.0.1", "localhost");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("until it is set up, every page leads to the set-up", async (t) => {
  assert.equal(new URL(base).hostname, "localhost");
  for (const path of ["/sign-in", "/workspaces", "/w/ws_01kagq5rh8e5htqh9sk95d3x4w/keys", "/nothing/here"]) {
    const answer = await fetch(base + path, { headers: { accept: "text/html" }, redirect: "manual" });
    if (path !== "/nothing/here") assert.equal(answer.headers.get("location"), "/setup", path);
  }
  await t.test("which is fit to be seen", () => judge(browser, base, "/setup"));
});

test("the printed token makes the first owner and operator, who signs in with a passkey", async () => {
  const visit = await visitor(browser, [base, desk], { device: true });
  const { page, at, press, follow, refused } = visit;
  await page.goto(base);
  await at("Set up Gatepost");
  const fill = async (token) => {
    await page.getByLabel("Set-up token").fill(token);
    await page.getByLabel("Workspace").fill("Example Ltd");
    await page.getByLabel("Your name").fill("Ann Example");
    await page.getByLabel("E-mail").fill(EMAIL);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await press("Set up and sign in");
  };
  await fill("no token at all");
  await at("Set up Gatepost");
  await refused(/never good/);
  await fill(server.started.setup_token);
  await at("Example Ltd");
  const home = page.url();

  // There is no such page any more, whatever is sent.
  const gone = await page.goto(`${base}/setup`);
  assert.equal(gone.status(), 404);
  await at("There is nothing here");

  // An operator's rights begin with a second factor: a passkey made here opens the operators' pages too.
  await page.goto(desk);
  await at("Sign in as an operator");
  await signIn(visit, { email: EMAIL, password: PASSWORD }, "Go on");
  await refused(/second factor/);
  await page.goto(`${base}/account/security`);
  await addPasskey(visit, "This laptop");
  await at("Your recovery codes");
  await follow("I have kept them");
  await press("Your account: Ann Example");
  await press("Sign out");
  await press("Sign in with a passkey");
  await press("Use a passkey");
  await at("Example Ltd");
  assert.equal(page.url(), home);
  await page.goto(desk);
  await press("Sign in with a passkey");
  await press("Use a passkey");
  await at("Workspaces");
  await follow("Example Ltd");
  await at("Example Ltd");
  await visit.close();
});

test("a page that is not there", () => judge(browser, base, "/nothing/here"));

test("a browser is led to the console, a program is not", async () => {
  const page = await fetch(`${base}/`, { headers: { accept: "text/html" }, redirect: "manual" });
  assert.equal(page.status, 303);
  const words = await fetch(`${base}/`);
  assert.match(await words.text(), /This is Gatepost/);
});

test("whoever clicks as people do is never told to wait; a program that hammers is", async () => {
  const limited = await serve({ limits: true });
  const origin = new URL(limited.started.setup_url).origin;
  const visit = await visitor(browser, origin);
  const { page, at, press } = visit;
  // A person needs a moment to see where to click.
  const moment = () => page.waitForTimeout(700);
  try {
    await page.goto(origin);
    await at("Set up Gatepost");
    await page.getByLabel("Set-up token").fill(limited.started.setup_token);
    await page.getByLabel("Workspace").fill("Example Ltd");
    await page.getByLabel("Your name").fill("Ann Example");
    await page.getByLabel("E-mail").fill(EMAIL);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await press("Set up and sign in");
    await at("Example Ltd");
    const menu = page.getByRole("navigation", { name: "Workspace" });
    for (const [link, heading] of [["API keys"], ["Members"], ["Audit log"], ["Settings"], ["IP allowlist"], ["Notices"], ["Overview", "Example Ltd"]]) {
      await moment();
      await menu.getByRole("link", { name: link, exact: true }).click();
      await at(heading ?? link);
    }
    await moment();
    await page.getByRole("button", { name: "Your account: Ann Example" }).click();
    await press("Sign out");
    await at("Sign in");
    await moment();
    await signIn(visit, { email: EMAIL, password: PASSWORD });
    await at("Example Ltd");
    const answers = await Promise.all(Array.from({ length: 30 }, () => fetch(`${origin}/sign-in`)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length > 20, `${refused.length} of 30 were refused`);
    assert.ok(refused.every(({ headers }) => Number(headers.get("retry-after")) > 0));
    // The one who is signed in is not slowed by the neighbour.
    await moment();
    await menu.getByRole("link", { name: "Members", exact: true }).click();
    await at("Members");
  } finally {
    await visit.close();
    await limited.stop();
  }
});
