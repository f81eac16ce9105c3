// The program itself, as it is started for the first time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { judge, launch, serve } from "./lib.mjs";

let browser, server, base;
before(async () => {
  browser = await launch();
  server = await serve();
  base = server.started.url ?? `http://${server.started.address ?? server.started.listen}`;
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a page that is not there", () => judge(browser, base, "/nothing/here"));

test("a browser is led to the console, a program is not", async () => {
  const page = await fetch(`${base}/`, { headers: { accept: "text/html" }, redirect: "manual" });
  assert.equal(page.status, 303);
  const words = await fetch(`${base}/`);
  assert.match(await words.text(), /This is Gatepost/);
});
