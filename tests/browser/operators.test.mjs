// The operators' listener: who gets in, what they do there, and what the owners of a workspace see of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addPasskey, judge, setUpApp, signIn, staged, visitor } from "./lib.mjs";

const TITLE = "Sign in as an operator";

const { browser, server, base } = await staged();
const desk = server.operators;

// A new operator in a browser, signed in to the console at the page for factors.
async function operator(role, options) {
  const person = await server.person({ operator: role });
  const visit = await visitor(browser, [base, desk], options);
  await visit.page.goto(`${base}/account/security`);
  await signIn(visit, person);
  await visit.at("Sign-in and security");
  return { ...visit, person };
}

// The same at the operators' listener, by an authenticator app.
async function atDesk(role, options) {
  const visit = await operator(role, options);
  const { secret } = await setUpApp(visit, server);
  await visit.page.goto(desk);
  await enter(visit, secret);
  await visit.at("Workspaces");
  return { ...visit, secret };
}

async function enter(visit, secret) {
  await visit.at(TITLE);
  await signIn(visit, visit.person, "Go on");
  await visit.at("Second step");
  await visit.page.getByLabel("Code", { exact: true }).fill(await server.nextCode(secret));
  await visit.press("Sign in");
}

test("every page is fit to be seen", async (t) => {
  const visit = await atDesk("administrator");
  const cookies = await visit.context.cookies();
  const workspace = `/workspaces/${server.workspace}`;
  for (const address of ["/sign-in", "/reauth"]) await t.test(address, () => judge(browser, desk, address, { album: "operators" }));
  for (const address of ["/workspaces", workspace, "/visits", "/logs?log=audit", "/logs?log=sends", "/operators", "/nothing"]) {
    await t.test(address, () => judge(browser, desk, address, { cookies, album: "operators" }));
  }
  await visit.close();
});

test("a password alone opens nothing, and a member nothing at all", async () => {
  const visit = await operator("support");
  await visit.page.goto(`${desk}/logs?log=sends`);
  await visit.at(TITLE);
  await signIn(visit, visit.person, "Go on");
  await visit.at(TITLE);
  await visit.refused(/add a passkey or an authenticator app/);
  const member = await server.person({ role: "owner" });
  await signIn(visit, member, "Go on");
  await visit.at(TITLE);
  await visit.refused(/is wrong/);
  await visit.close();

  // A member with a second factor, too.
  const owner = await visitor(browser, [base, desk]);
  await owner.page.goto(`${base}/account/security`);
  await signIn(owner, member);
  const { secret } = await setUpApp(owner, server);
  await owner.page.goto(desk);
  await enter({ ...owner, person: member }, secret);
  await owner.at(TITLE);
  await owner.told(/did not work/);
  await owner.close();
});

test("with an app to the page that was asked for, and proved again before what matters", async () => {
  const visit = await operator("administrator");
  const { page, at, press, told } = visit;
  const { secret } = await setUpApp(visit, server);
  await page.goto(`${desk}/operators`);
  await enter(visit, secret);
  await at("Operators");
  await page.goto(`${desk}/workspaces/${server.workspace}`);
  const reason = page.locator('form[action$="/pause-sending"]').getByLabel("Reason");
  await reason.fill("Abuse report 4711");
  await press("Pause sending");
  await told(/Sending is paused/);
  for (let waited = 0; waited < 310; waited += 31) await server.nextCode(secret);
  await press("Let it send again");
  await at("Prove that it is you");
  await signIn(visit, visit.person, "Go on");
  await page.getByLabel("Code", { exact: true }).fill(await server.nextCode(secret));
  await press("Sign in");
  await press("Let it send again");
  await told(/may send again/);
  await press("Your account: Ann Example");
  await press("Sign out");
  await at(TITLE);
  await visit.close();
});

test("a passkey opens it alone, and as the second step", async () => {
  const visit = await operator("support", { device: true });
  const { page, at, press, follow } = visit;
  await addPasskey(visit, "This laptop");
  await at("Your recovery codes");
  await follow("I have kept them");
  await page.goto(`${desk}/operators`);
  await at(TITLE);
  await press("Sign in with a passkey");
  await at("Sign in with a passkey");
  await press("Use a passkey");
  await at("Operators");
  await press("Your account: Ann Example");
  await press("Sign out");
  await signIn(visit, visit.person, "Go on");
  await at("Second step");
  await press("Use your passkey");
  await at("Workspaces");
  await visit.close();

  // At the machine's address it cannot work; the page leads to where it does.
  const numbered = desk.replace("localhost", "127.0.0.1");
  const other = await visitor(browser, [desk, numbered]);
  await other.page.goto(`${numbered}/sign-in`);
  await other.at(TITLE);
  assert.equal(await other.page.getByRole("button", { name: "Sign in with a passkey" }).count(), 0);
  await other.follow(desk);
  await other.page.getByRole("button", { name: "Sign in with a passkey" }).waitFor();
  await other.at(TITLE);
  await other.close();
});

test("a visit is shown to the owner, who ends it", async () => {
  const visit = await atDesk("support");
  const { page, at, press, told, refused } = visit;
  await page.goto(`${desk}/workspaces/${server.workspace}`);
  const form = page.locator('form[action$="/visit"]');
  await form.getByLabel("Reason").fill("short");
  await press("Open a visit");
  await refused(/10 to 500 characters/);
  await form.getByLabel("Reason").fill("Ticket 815: deliveries are late");
  await press("Open a visit");
  await told(/The owners see it/);
  const look = () => page.request.get(`${desk}/operator/v1/workspaces/${server.workspace}/channels`);
  assert.equal((await look()).status(), 200);

  const cookies = await server.cookies("owner", { domain: "localhost" });
  const owner = await visitor(browser, base, { cookies });
  await owner.page.goto(`${base}/w/${server.workspace}/operator-visits`);
  await owner.at("Operator visits");
  const row = owner.page.getByRole("row", { name: /Ticket 815: deliveries are late/ });
  assert.match(await row.innerText(), /Ann Example[\s\S]*Open/);
  await judge(browser, base, `/w/${server.workspace}/operator-visits`, { cookies });
  await row.getByRole("button", { name: "End" }).click();
  await owner.told(/The visit is over/);
  assert.equal((await look()).status(), 403);
  await page.reload();
  await at("Northwind <b>& Söhne</b>");
  await page.getByRole("button", { name: "Open a visit" }).waitFor();
  // Each look is in the workspace's log.
  await owner.page.goto(`${base}/w/${server.workspace}/audit`);
  await owner.at("Audit log");
  await owner.page.getByText("workspace.visited").first().waitFor();
  for (const each of [visit, owner]) await each.close();
});
