// `npm run coverage` runs the tests with every expression of the contracts counted and writes
// COVERAGE.md. It fails if a test does, if something that did not run has no reason in
// coverage-reasons.json, and if a reason is for what runs or is gone.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import { read } from "../harness/clarity.mjs";
import { coverage } from "../harness/coverage.mjs";
import { join, page, table, uncovered } from "../harness/coverage-page.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE = path(ROOT, "COVERAGE.md");
const REASONS = path(ROOT, "coverage-reasons.json");
/** Random calls, which no run has to repeat, and what measures or reads the sources as they are. */
const LEFT_OUT = ["conservation", "costs", "errors", "coverage"].map((name) => `tests/*${name}.test.ts`);

const contracts = (await readdir(path(ROOT, "contracts"))).map((file) => file.replace(/\.clar$/, "")).sort();
const sourceOf = (name) => readFile(path(ROOT, "contracts", `${name}.clar`), "utf8");

/** How often each row of each exploded contract ran, over all tests. */
async function execute(folder) {
  const counts = path(folder, "counts");
  await mkdir(counts);
  await mkdir(path(folder, "contracts"));
  await cp(path(ROOT, "settings"), path(folder, "settings"), { recursive: true });
  await cp(path(ROOT, "Clarinet.toml"), path(folder, "Clarinet.toml"));
  for (const name of contracts) {
    const { exploded } = read(await sourceOf(name));
    await writeFile(path(folder, "contracts", `${name}.clar`), exploded);
  }
  Object.assign(process.env, { WATTEST_MANIFEST: path(folder, "Clarinet.toml"), WATTEST_EXECUTED: counts });
  process.chdir(ROOT);
  const vitest = await startVitest("test", process.argv.slice(2), {
    root: ROOT,
    watch: false,
    reporters: ["dot"],
    exclude: LEFT_OUT,
    setupFiles: [path(ROOT, "harness/executed-setup.mjs")],
    // One process for all: most of a file's time is the start of its VM.
    poolOptions: { forks: { singleFork: true, isolate: false } },
  });
  const failed = vitest.state.getTestModules().filter((file) => file.state() !== "passed");
  await vitest.close();
  if (failed.length > 0) throw new Error(`without ${failed.map((file) => file.moduleId)} this says nothing`);
  return merged(counts);
}

async function merged(folder) {
  const times = new Map(contracts.map((name) => [name, []]));
  for (const file of await readdir(folder)) {
    for (const [name, rows] of Object.entries(JSON.parse(await readFile(path(folder, file), "utf8")))) {
      const sum = times.get(name);
      rows.forEach((count, row) => {
        if (count !== null) sum[row] = (sum[row] ?? 0) + count;
      });
    }
  }
  return times;
}

// The runner ends the process before Node has said why.
process.on("uncaughtExceptionMonitor", console.error);
const folder = await mkdtemp(path(tmpdir(), "wattest-coverage-"));
try {
  const times = await execute(folder);
  const measured = [];
  const found = [];
  for (const name of contracts) {
    const source = await sourceOf(name);
    const seen = coverage(source, times.get(name));
    measured.push([name, seen]);
    found.push(...uncovered(name, source, seen));
  }
  const { explained, unexplained, stale } = join(found, JSON.parse(await readFile(REASONS, "utf8")));
  console.log(table(measured));
  for (const gap of unexplained) console.error(`not run, and no reason given: ${gap.contract}.clar:${gap.line} ${gap.name}`);
  for (const gap of stale) console.error(`a reason for what runs or is gone: ${gap.contract} ${gap.name}`);
  if (unexplained.length + stale.length > 0) process.exitCode = 1;
  else await writeFile(FILE, page(measured, explained));
} finally {
  await rm(folder, { recursive: true });
}
