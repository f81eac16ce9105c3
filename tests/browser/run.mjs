// Builds what the tests drive, then runs them: `node tests/browser/run.mjs [file …]`. Needs Chromium (Debian's package, or
// CHROMIUM=path) and `npm ci` in this directory. What GATEPOST_BIN, GATEPOST_STAGE and GATEPOST_GALLERY name is not built;
// PICTURES=directory keeps a picture of every page that is judged.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.join(here, "..", "..");

// Ends everything where it fails; what it was doing has been said by then.
class Failed extends Error {}

function run(program, args, options = {}) {
  const ended = spawnSync(program, args, { cwd: root, stdio: "inherit", ...options });
  if (ended.status !== 0) throw new Failed(`${program} ${args[0]}: ${ended.error ?? ended.signal ?? ended.status}`);
  return ended;
}

function built(file, ...what) {
  run("cargo", ["build", "--locked", "--quiet", ...what]);
  const metadata = run("cargo", ["metadata", "--no-deps", "--format-version", "1", "--locked"], {
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });
  return path.join(JSON.parse(metadata.stdout).target_directory, "debug", file);
}

function drawn(directory) {
  run("cargo", ["test", "--locked", "--quiet", "-p", "gatepost-http", "--lib", "gallery_for_browsers"], {
    env: { ...process.env, GATEPOST_GALLERY: directory },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return directory;
}

const { env } = process;
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "gatepost-gallery-"));
try {
  const named = process.argv.slice(2).map((file) => path.resolve(file));
  const all = fs.readdirSync(here).filter((file) => file.endsWith(".test.mjs")).map((file) => path.join(here, file));
  run(process.execPath, ["--test", "--test-concurrency=2", ...(named.length ? named : all)], {
    env: {
      ...env,
      GATEPOST_BIN: env.GATEPOST_BIN ?? built("gatepost", "-p", "gatepost"),
      GATEPOST_STAGE: env.GATEPOST_STAGE ?? built("examples/stage", "-p", "gatepost-testkit", "--example", "stage"),
      GATEPOST_GALLERY: env.GATEPOST_GALLERY ?? drawn(directory),
    },
  });
} catch (failed) {
  if (!(failed instanceof Failed)) throw failed;
  console.error(failed.message);
  process.exitCode = 1;
} finally {
  fs.rmSync(directory, { recursive: true, force: true });
}
