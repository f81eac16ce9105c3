// Every part of the console's pages, in every state, is fit to be seen.
import { after, before, test } from "node:test";
import { gallery, judge, launch } from "./lib.mjs";

let browser, pages;
before(async () => {
  browser = await launch();
  pages = await gallery();
});
after(async () => {
  await browser?.close();
  pages?.stop();
});

test("parts", async (t) => {
  for (const name of pages.names) {
    // The theme is in the document already.
    await t.test(name, () => judge(browser, pages.base, `/${name}`, { themed: false }));
  }
});
