// What the tests share: servers, browsers, and what every page must be.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

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

// `gatepost serve` itself, with a fresh data directory.
export async function serve() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "gatepost-browser-"));
  const env = { HOME: home, GATEPOST_DATA_DIR: path.join(home, "data"), GATEPOST_METRICS_LISTEN: "off" };
  const server = await start(process.env.GATEPOST_BIN, ["serve", "--listen", "127.0.0.1:0", "--json"], { cwd: home, env });
  const stop = async () => {
    await server.stop(() => server.child.kill("SIGTERM"));
    fs.rmSync(home, { recursive: true, force: true });
  };
  return { started: server.first, stop };
}

// A Gatepost with people in it (crates/testkit/examples/stage.rs).
export async function stage(...locks) {
  const server = await start(process.env.GATEPOST_STAGE, locks, {});
  const { base, workspace } = server.first;
  return {
    base,
    workspace,
    path: (rest) => `${base}/w/${workspace}${rest}`,
    // The cookies of somebody with that role who has just signed in.
    async cookies(role, sameSite = "Lax") {
      server.child.stdin.write(`${role}\n`);
      const cookies = Object.entries(await server.said());
      const shared = { domain: "127.0.0.1", path: "/", secure: true, httpOnly: true, sameSite };
      return cookies.map(([name, value]) => ({ name, value, ...shared }));
    },
    stop: () => server.stop(() => server.child.stdin.end()),
  };
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
export async function watched(context, base) {
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
    if (!request.url().startsWith(`${base}/`)) faults.push(`asked for ${request.url()}`);
  });
  return { page, faults };
}

const SIZES = { wide: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

// Looks at a page in both themes, on a wide and on a narrow screen, with and without scripts.
export async function judge(browser, base, address, { cookies = [], themed = true, pictures } = {}) {
  const url = new URL(address, base).href;
  for (const theme of themed ? ["light", "dark"] : ["as it is"]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
      await context.addCookies(cookies);
      if (themed) await context.addCookies([{ name: "gatepost-theme", value: theme, url: base }]);
      const { page, faults } = await watched(context, base);
      const where = `${address}, ${theme}, ${size}`;
      await page.goto(url);
      await page.evaluate(() => document.fonts.ready);
      const seen = await page.evaluate(() => ({
        width: document.documentElement.scrollWidth,
        theme: document.documentElement.dataset.theme,
        inline: document.querySelectorAll("[style], style, script:not([src])").length,
        // WCAG 2.2, 2.5.8: links in a sentence may be smaller.
        small: [...document.querySelectorAll("button, input:not([type=hidden]), select, textarea, summary, a.button, nav a")]
          .filter((element) => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
          .map((element) => [element.outerHTML.slice(0, 120), element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 0 && (box.width < 18 || box.height < 18 || (box.width < 24 && box.height < 24 && box.width !== 18)))
          .map(([text]) => text),
      }));
      assert.ok(seen.width <= viewport.width, `${where}: ${seen.width} px wide`);
      assert.equal(seen.inline, 0, `${where}: inline styles or scripts`);
      assert.deepEqual(seen.small, [], `${where}: small targets`);
      if (themed) assert.equal(seen.theme, theme, where);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
      assert.deepEqual(told, [], where);
      assert.deepEqual(faults, [], where);
      if (pictures) {
        fs.mkdirSync(pictures, { recursive: true });
        const name = address.replace(/^.*\/w\/[^/]+/, "w").replace(/[^a-z0-9]+/gi, "-");
        await page.screenshot({ path: path.join(pictures, `${name}-${theme}-${size}.png`.replaceAll(" ", "-")), fullPage: true });
      }
      await context.close();
    }
  }
  const context = await browser.newContext({ javaScriptEnabled: false });
  await context.addCookies(cookies);
  const { page, faults } = await watched(context, base);
  await page.goto(url);
  assert.ok(await page.locator("main h1").isVisible(), `${address}: without scripts`);
  assert.deepEqual(faults, [], `${address}: without scripts`);
  await context.close();
}
