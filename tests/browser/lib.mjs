// What the tests share: servers, browsers, and what every page must be.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { createRequire } from "node:module";
import { after } from "node:test";
import { chromium } from "playwright-core";

// PICTURES=DIRECTORY keeps a picture of every page that is judged.
const pictures = process.env.PICTURES;

const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Debian's; another by CHROMIUM.
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

export function launch() {
  // Without a sandbox, because tests may run as root; nothing but our own pages is opened.
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

// Runs a program that says where it is in its first line.
async function start(program, args, options) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], ...options });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ended`);
    return JSON.parse(value);
  };
  const stop = async (how) => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    how();
    await ended;
  };
  return { child, said, first: await said(), stop };
}

// A port that nobody listens on.
async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// `gatepost serve` itself, with a fresh data directory. With `limits`, pages are counted as by default; tests of other things
// are faster than people.
export async function serve({ limits = false } = {}) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "gatepost-browser-"));
  const config = path.join(home, "gatepost.toml");
  const operators = `[operators]\nlisten = "127.0.0.1:${await freePort()}"\n`;
  fs.writeFileSync(config, operators + (limits ? "" : '[limits]\nconsole = "none"\n'));
  const env = { HOME: home, GATEPOST_DATA_DIR: path.join(home, "data"), GATEPOST_METRICS_LISTEN: "off", GATEPOST_CONFIG: config };
  const server = await start(process.env.GATEPOST_BIN, ["serve", "--listen", "127.0.0.1:0", "--json"], { cwd: home, env });
  const stop = async () => {
    await server.stop(() => server.child.kill("SIGTERM"));
    fs.rmSync(home, { recursive: true, force: true });
  };
  return { started: server.first, stop };
}

// A Gatepost with people in it (crates/testkit/examples/stage.rs, which says what can be asked). `base` is its address,
// `named` the same by the machine's name, as its people open it.
export async function stage(...options) {
  const server = await start(process.env.GATEPOST_STAGE, options, {});
  const { base, named, operators, idp, workspace } = server.first;
  // Answers come in the order of the questions.
  let last = Promise.resolve();
  const ask = (question) => {
    last = last.then(() => {
      server.child.stdin.write(`${JSON.stringify(question)}\n`);
      return server.said();
    });
    return last;
  };
  return {
    base,
    named,
    operators,
    idp,
    workspace,
    path: (rest) => `${base}/w/${workspace}${rest}`,
    // Somebody new: `{ role }` of the workspace, `{ operator }`, or neither.
    person: (who = {}) => ask({ do: "person", role: null, operator: null, ...who }),
    newWorkspace: (name) => ask({ do: "workspace", name }),
    mail: (to, subject) => ask({ do: "mail", to, subject }),
    // An admin key of the workspace in test mode.
    key: () => ask({ do: "key" }),
    there: (sub, email) => ask({ do: "there", sub, email }),
    // What an authenticator app shows half a minute later: a code is good once.
    async nextCode(secret) {
      const { now } = await ask({ do: "advance", seconds: 31 });
      return totp(secret, now);
    },
    // The cookies of the workspace's member with that role who has just signed in.
    async cookies(role, { sameSite = "Lax", domain = "127.0.0.1" } = {}) {
      const cookies = Object.entries(await ask({ do: "session", role }));
      const shared = { domain, path: "/", secure: true, httpOnly: true, sameSite };
      return cookies.map(([name, value]) => ({ name, value, ...shared }));
    },
    stop: () => server.stop(() => server.child.stdin.end()),
  };
}

// What most files begin with: a browser and a stage, ended after the file's last test. `base` is the address as people
// open it, `home` the first page of the workspace.
export async function staged() {
  const browser = await launch();
  after(() => browser.close());
  const server = await stage();
  after(() => server.stop());
  return { browser, server, base: server.named, home: `${server.named}/w/${server.workspace}` };
}

// The first page of the stage's workspace has its name.
export const HOME = /^Northwind/;

// RFC 6238, as authenticator apps do it: six digits, half a minute, SHA-1. The secret is in base32.
export function totp(secret, now) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/[^A-Za-z2-7]/g, "").toUpperCase()].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(now / 30_000)));
  const digest = createHmac("sha1", key).update(step).digest();
  const value = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(value % 1_000_000).padStart(6, "0");
}

// Files under the headers that pages carry, as `cargo test -p gatepost-http gallery` wrote them.
export async function gallery() {
  const directory = process.env.GATEPOST_GALLERY;
  const headers = fs.readFileSync(path.join(directory, "headers.txt"), "utf8").trim().split("\n").map((line) => line.split(/: (.*)/s));
  const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml", woff2: "font/woff2", html: "text/html; charset=utf-8" };
  const server = http.createServer((request, response) => {
    const file = path.join(directory, new URL(request.url, "http://x").pathname);
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    for (const [name, value] of headers) response.setHeader(name, value);
    response.setHeader("content-type", types[file.split(".").pop()]);
    response.end(fs.readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const names = fs.readFileSync(path.join(directory, "index.txt"), "utf8").trim().split("\n");
  return { base: `http://127.0.0.1:${server.address().port}`, names, stop: () => server.close() };
}

// A page, and everything in it that ought not to be: violations of its policy, errors, dialogs, requests to elsewhere.
export async function watched(context, ...known) {
  const faults = [];
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // That an answer is a refusal is what some tests are about.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("dialog", (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!known.some((base) => request.url().startsWith(`${base}/`))) faults.push(`asked for ${request.url()}`);
  });
  return { page, faults };
}

async function accessible(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], where);
  // axe looks for these only where it follows a reference.
  const twice = await page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
  });
  assert.deepEqual(twice, [], `${where}: ids that are there twice`);
}

// Somebody's own browser, at the servers `known`. `at` waits for a page by its heading and looks at it as it is shown:
// accessible, no violation of the policy, no error. With `device` it has an authenticator, which Chromium plays.
export async function visitor(browser, known, { cookies = [], device = false, ...options } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  await context.addCookies(cookies);
  const { page, faults } = await watched(context, ...[known].flat());
  page.setDefaultTimeout(10_000);
  const at = async (heading) => {
    await page.getByRole("heading", { name: heading, level: 1, exact: typeof heading === "string" }).waitFor();
    if (options.javaScriptEnabled !== false) await accessible(page, heading);
    assert.deepEqual(faults, [], heading);
  };
  const press = (name) => page.getByRole("button", { name, exact: true }).click();
  const follow = (name) => page.getByRole("link", { name, exact: true }).click();
  const told = async (text) => assert.match(await page.getByRole("status").innerText(), text);
  const refused = async (text) => assert.match(await page.locator("#errors").innerText(), text);
  return { context, page, faults, at, press, follow, told, refused, ...(device && (await authenticator(context, page))), close: () => context.close() };
}

async function authenticator(context, page) {
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  return {
    // Whether its owner verifies themselves to it.
    verifies: (isUserVerified) => devtools.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    held: async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
  };
}

// Fills in the form for e-mail address and password of the page that is open.
export async function signIn({ page, press }, { email, password }, button = "Sign in") {
  await page.getByLabel(/^E-mail/).fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await press(button);
}

// Sets up an authenticator app on the page that is open (sign-in and security); its secret and the recovery codes.
export async function setUpApp({ page, at, press, follow }, server) {
  await press("Set up an app");
  await at("Set up an authenticator app");
  const secret = await page.locator("code.whole").innerText();
  await page.getByLabel("Code", { exact: true }).fill(await server.nextCode(secret));
  await press("Turn it on");
  await at("Your recovery codes");
  const codes = (await page.getByLabel("Recovery codes").inputValue()).split("\n");
  assert.equal(codes.length, 10);
  await follow("I have kept them");
  return { secret, codes };
}

// Makes a passkey on the same page.
export async function addPasskey({ page, press }, name) {
  await press("Add a passkey");
  await page.getByLabel("Name").fill(name);
  await press("Go on");
}

const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

// What is seen of a page at a glance.
function glance() {
  return {
    width: document.documentElement.scrollWidth,
    theme: document.documentElement.dataset.theme,
    // WCAG 2.2, 2.5.8: links in a sentence may be smaller.
    small: [...document.querySelectorAll("button, input:not([type=hidden]), select, textarea, summary, a.button, nav a")]
      .filter((element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
      .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0 && (box.width < 18 || box.height < 18 || (box.width < 24 && box.height < 24 && box.width !== 18)))
      .map(([text]) => text),
  };
}

// Looks at a page in both themes, on a wide and on a narrow screen, with and without scripts.
export async function judge(browser, base, address, { cookies = [], themed = true, album = "" } = {}) {
  const looks = (themed ? ["light", "dark"] : ["as-it-is"]).map((theme) => look(browser, base, address, { cookies, themed, theme, album }));
  await Promise.all([...looks, plain(browser, base, address, cookies)]);
}

async function look(browser, base, address, { cookies, themed, theme, album }) {
  const context = await browser.newContext({ viewport: SIZES.wide, reducedMotion: "reduce" });
  await context.addCookies(cookies);
  if (themed) await context.addCookies([{ name: "gatepost-theme", value: theme, url: base }]);
  const { page, faults } = await watched(context, base);
  await page.goto(new URL(address, base).href);
  await page.evaluate(() => document.fonts.ready);
  // Before axe, which leaves some of its own.
  const inline = await page.evaluate(() => document.querySelectorAll("[style], style, script:not([src])").length);
  assert.equal(inline, 0, `${address}: inline styles or scripts`);
  for (const [size, viewport] of Object.entries(SIZES)) {
    const where = `${address}, ${theme}, ${size}`;
    await page.setViewportSize(viewport);
    const seen = await page.evaluate(glance);
    assert.ok(seen.width <= viewport.width, `${where}: ${seen.width} px wide`);
    assert.deepEqual(seen.small, [], `${where}: small targets`);
    if (themed) assert.equal(seen.theme, theme, where);
    await accessible(page, where);
    assert.deepEqual(faults, [], where);
    if (pictures) {
      fs.mkdirSync(path.join(pictures, album), { recursive: true });
      const name = address.replace(/[a-z]+_\w{26}/g, "id").replace(/[^a-z0-9]+/gi, "-").replace(/^-/, "");
      await page.screenshot({ path: path.join(pictures, album, `${name}-${theme}-${size}.png`), fullPage: true });
    }
  }
  await context.close();
}

async function plain(browser, base, address, cookies) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(cookies);
  const { page, faults } = await watched(context, base);
  await page.goto(new URL(address, base).href);
  assert.ok(await page.locator("main h1").isVisible(), `${address}: without scripts`);
  assert.deepEqual(faults, [], `${address}: without scripts`);
  await context.close();
}
