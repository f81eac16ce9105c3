// Builds what the tests drive, then runs them: `node tests/browser/run.mjs [file …]`. Needs Chromium (Debian's package, or
// CHROMIUM=path) and `npm ci` in this directory.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, "..", "..");

function run(program, args, options = {}) {
  const ended = spawnSync(program, args, { cwd: root, stdio: "inherit", ...options });
  if (ended.status !== 0) process.exit(ended.status ?? 1);
  return ended;
}

const metadata = run("cargo", ["metadata", "--no-deps", "--format-version", "1", "--locked"], {
  stdio: ["ignore", "pipe", "inherit"],
  maxBuffer: 1 << 28,
});
const target = path.join(JSON.parse(metadata.stdout).target_directory, "debug");
const gallery = fs.mkdtempSync(path.join(os.tmpdir(), "gatepost-gallery-"));
try {
  run("cargo", ["build", "--locked", "--quiet", "-p", "gatepost"]);
  run("cargo", ["build", "--locked", "--quiet", "-p", "gatepost-testkit", "--example", "stage"]);
  run("cargo", ["test", "--locked", "--quiet", "-p", "gatepost-http", "--lib", "gallery_for_browsers"], {
    env: { ...process.env, GATEPOST_GALLERY: gallery },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const named = process.argv.slice(2).map((file) => path.resolve(file));
  const all = fs.readdirSync(here).filter((file) => file.endsWith(".test.mjs")).map((file) => path.join(here, file));
  run(process.execPath, ["--test", "--test-concurrency=2", ...(named.length ? named : all)], {
    env: {
      ...process.env,
      GATEPOST_BIN: path.join(target, "gatepost"),
      GATEPOST_STAGE: path.join(target, "examples", "stage"),
      GATEPOST_GALLERY: gallery,
    },
  });
} finally {
  fs.rmSync(gallery, { recursive: true, force: true });
}
