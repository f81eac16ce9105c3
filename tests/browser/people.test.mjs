// People of a workspace: invited, given roles, removed; their sessions; what the audit log says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOME, signIn, staged, visitor } from "./lib.mjs";

const { browser, server, base, home } = await staged();

// Somebody new of that role, who has just signed in and looks at `path` of the workspace.
async function member(role, path = "") {
  const person = await server.person({ role });
  const visit = await visitor(browser, base);
  await visit.page.goto(home + path);
  await signIn(visit, person);
  await visit.at(path ? TITLES[path] : HOME);
  return { ...visit, person };
}

const TITLES = { "/members": "Members", "/audit": "Audit log", "/settings": "Settings", "/allowlist": "IP allowlist" };

// Goes to the page of a member.
async function open({ page, person }, name = "Ann Example") {
  await page.goto(`${home}/members/${person.id}`);
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}

test("an invitation makes somebody new a member", async () => {
  const owner = await member("owner", "/members");
  const { page, at, press, follow, told, refused } = owner;
  await follow("Invite");
  await at("Invite somebody");
  await page.getByLabel("E-mail address").fill("no address");
  await press("Invite");
  await at("Invite somebody");
  await refused(/Give an e-mail address/);
  const email = `new-${Date.now()}@example.com`;
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Analyst").check();
  await press("Invite");
  await at("Members");
  await told(/The invitation is on its way/);
  const { link } = await server.mail(email, "Invitation");

  const joining = await visitor(browser, base);
  await joining.page.goto(link);
  await joining.at("Join a workspace");
  await joining.page.getByLabel("Your name").fill("Nora Newcomer");
  await joining.page.getByLabel("Password").fill("short");
  await joining.press("Make the account and join");
  await joining.at("Join a workspace");
  await joining.refused(/15/);
  const password = "seven geese above the harbour";
  await joining.page.getByLabel("Password").fill(password);
  await joining.press("Make the account and join");
  await joining.at(HOME);
  await joining.told(/You are a member now/);
  // The link is used up; the account signs in.
  const late = await visitor(browser, base);
  await late.page.goto(link);
  await late.page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await late.page.getByLabel("Your name").count(), 0);
  await late.page.goto(`${home}`);
  await signIn(late, { email, password });
  await late.at(HOME);
  await page.reload();
  await page.getByRole("link", { name: "Nora Newcomer" }).waitFor();
  for (const each of [owner, joining, late]) await each.close();
});

test("an invitation that is taken back opens nothing, and one for another address says so", async () => {
  const owner = await member("owner", "/members");
  const invite = async (email) => {
    await owner.page.goto(`${home}/members/invite`);
    await owner.page.getByLabel("E-mail address").fill(email);
    await owner.press("Invite");
    await owner.at("Members");
    return (await server.mail(email, "Invitation")).link;
  };
  const link = await invite("other@example.com");
  const agent = await member("agent");
  await agent.page.goto(link);
  await agent.at("Join a workspace");
  await agent.page.getByText("This invitation is for another address.").waitFor();
  await owner.page.getByRole("row", { name: /other@example.com/ }).getByRole("button", { name: "Take back" }).click();
  await owner.told(/taken back/);
  await agent.page.reload();
  await agent.page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await agent.page.getByText("This invitation is for another address.").count(), 0);
  for (const each of [owner, agent]) await each.close();
});

test("another role hides pages at the next click, removal closes the workspace", async () => {
  const [owner, other] = [await member("owner", "/members"), await member("admin")];
  const menu = other.page.getByRole("navigation", { name: "Workspace" });
  assert.equal(await menu.getByRole("link", { name: "API keys" }).count(), 1);

  await open({ page: owner.page, person: other.person });
  await owner.at("Ann Example");
  await owner.page.getByLabel("Analyst").check();
  await owner.press("Save the role");
  await owner.at("Members");
  await owner.told(/binds the next request/);
  await menu.getByRole("link", { name: "API keys" }).click();
  await other.at("You may not do this");
  await other.page.goto(home);
  await other.at(HOME);
  assert.equal(await menu.getByRole("link", { name: "API keys" }).count(), 0);
  assert.equal(await menu.getByRole("link", { name: "Audit log" }).count(), 0);

  await open({ page: owner.page, person: other.person });
  await owner.follow("Remove from the workspace");
  await owner.at("Remove a member");
  await owner.press("Remove");
  await owner.at("Members");
  await menu.getByRole("link", { name: "Overview" }).click();
  await other.at("There is nothing here");
  await other.follow("Go to the start");
  await other.at("Workspaces");
  await other.page.getByText("You belong to no workspace").waitFor();
  for (const each of [owner, other]) await each.close();
});

test("the last owner cannot go", async () => {
  const { workspace, owner } = await server.newWorkspace("Alone Ltd");
  const visit = await visitor(browser, base);
  await visit.page.goto(`${base}/workspaces/${workspace}/leave`);
  await signIn(visit, owner);
  await visit.at("Leave a workspace");
  await visit.page.getByRole("main").getByRole("button", { name: "Leave" }).click();
  await visit.at("Leave a workspace");
  await visit.refused(/owner/);
  await visit.close();
});

test("sessions are seen and ended", async () => {
  const person = await server.person({ role: "agent" });
  const [here, there, third] = [await visitor(browser, base), await visitor(browser, base), await visitor(browser, base)];
  for (const visit of [here, there, third]) {
    await visit.page.goto(`${base}/account/sessions`);
    await signIn(visit, person);
    await visit.at("Sessions");
  }
  const { page, at, press, told } = here;
  await page.reload();
  const rows = page.getByRole("row").filter({ has: page.getByRole("button") });
  assert.equal(await rows.count(), 3);
  await page.getByText("This one").waitFor();
  await rows.filter({ hasNotText: "This one" }).first().getByRole("button", { name: "End" }).click();
  await at("Sessions");
  await told(/The session is over/);
  assert.equal(await rows.count(), 2);
  await press("End all others");
  await at("Sessions");
  await told(/All other sessions are over/);
  for (const visit of [there, third]) {
    await visit.page.getByRole("link", { name: "Notices" }).first().click();
    await visit.at("Sign in");
  }
  await page.getByRole("main").getByRole("button", { name: "Sign out" }).click();
  await at("Sign in");
  for (const each of [here, there, third]) await each.close();
});

test("what was done is in the audit log, and is found by filters", async () => {
  const owner = await member("owner", "/settings");
  const { page, at, press, told } = owner;
  await page.getByLabel("Name", { exact: true }).first().fill("Northwind Traders");
  await press("Save");
  await told(/The settings are saved/);
  await page.goto(`${home}/audit`);
  await at("Audit log");
  await page.getByText("workspace.updated").first().waitFor();
  const rows = page.locator("tbody tr");
  const all = await rows.count();
  await page.getByLabel("What", { exact: true }).selectOption("workspace");
  await press("Filter");
  await at("Audit log");
  const some = await rows.count();
  assert.ok(some >= 1 && some < all, `${some} of ${all}`);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /CSV/ }).click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
  assert.deepEqual(owner.faults, []);
  // Without the permission there is no such page, and no way to it.
  const analyst = await member("analyst");
  assert.equal(await analyst.page.getByRole("link", { name: "Audit log" }).count(), 0);
  await analyst.page.goto(`${home}/audit`);
  await analyst.at("You may not do this");
  for (const each of [owner, analyst]) await each.close();
});
