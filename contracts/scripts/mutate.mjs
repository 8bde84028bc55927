// `npm run mutants -- --contract energy-token` leaves one `asserts!` of the contract out at a
// time and runs tests that come to its refusal: one of them must fail. Names those that none
// notices, and fails if there are any. A run of a file starts a VM, which is slow, so the tests of
// one run each have another mutant.

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startVitest } from "vitest/node";
import { read } from "../harness/clarity.mjs";
import { mutants } from "../harness/mutants.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Those that hold money. */
const DEFAULT = [
  "energy-token",
  "reward-distributor",
  "carbon-offset-integration",
  "commitment",
  "payment-settlement",
  "oracle-staking",
  "dispute-resolution",
  "marketplace",
];
/** The files of tests whose names do not begin with the contract's. */
const FURTHER = {
  commitment: ["compliance"],
  "dispute-resolution": ["challenge", "double-vote", "false-leaf", "false-sum"],
  "production-oracle": ["quorum"],
  "reward-distributor": ["event-manager"],
};
const OPTIONS = {
  root: ROOT,
  watch: false,
  reporters: [{}],
  poolOptions: { forks: { singleFork: true, isolate: false } },
};

const { values } = parseArgs({ options: { contract: { type: "string", multiple: true, default: DEFAULT } } });
const contracts = await readdir(join(ROOT, "contracts"));
const sourceOf = (name) => readFile(join(ROOT, "contracts", `${name}.clar`), "utf8");

/** The test files of a contract, but for random calls and what reads the sources. */
async function testsOf(contract) {
  const others = contracts.map((file) => basename(file, ".clar")).filter((name) => name !== contract);
  const own = [contract, ...(FURTHER[contract] ?? [])];
  return (await readdir(join(ROOT, "tests")))
    .filter((file) => file.endsWith(".test.ts") && !file.endsWith("conservation.test.ts"))
    .filter((file) => own.some((name) => file.startsWith(name)) && !others.some((name) => file.startsWith(`${name}.`)))
    .map((file) => `tests/${file}`);
}

/** A folder with all contracts, as `written` has them. */
async function laidOut(folder, written) {
  await mkdir(join(folder, "contracts"), { recursive: true });
  await cp(join(ROOT, "settings"), join(folder, "settings"), { recursive: true });
  await cp(join(ROOT, "Clarinet.toml"), join(folder, "Clarinet.toml"));
  for (const file of contracts) {
    await writeFile(join(folder, "contracts", file), written(await sourceOf(basename(file, ".clar"))));
  }
  return join(folder, "Clarinet.toml");
}

/** Runs tests and gives those that failed and those that passed. `names` are of the tests wanted. */
async function run(files, setup, names) {
  const testNamePattern = names && `^(?:${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})$`;
  const setupFiles = [join(ROOT, "harness", setup)];
  const vitest = await startVitest("test", files, { ...OPTIONS, setupFiles, ...(names ? { testNamePattern } : {}) });
  const tests = vitest.state.getTestModules().flatMap((module) =>
    [...module.children.allTests()].map((test) => ({
      file: module.moduleId,
      name: test.fullName.replaceAll(" > ", " "),
      state: test.result().state,
      why: test.result().errors?.[0]?.message,
    })),
  );
  await vitest.close();
  process.exitCode = undefined; // a test that fails is what we want
  return { failed: tests.filter(({ state }) => state === "failed"), passed: tests.filter(({ state }) => state === "passed") };
}

/** Which test runs which rows of a contract, and whether it makes a chain of its own. */
async function executions(folder, contract, files) {
  const counts = join(folder, "counts");
  await mkdir(counts, { recursive: true });
  process.env.WATTEST_MANIFEST = await laidOut(join(folder, "exploded"), (source) => read(source).exploded);
  process.env.WATTEST_EXECUTED = counts;
  const { failed } = await run(files, "executed-by-test-setup.mjs");
  delete process.env.WATTEST_EXECUTED;
  delete process.env.WATTEST_MANIFEST;
  if (failed.length > 0) throw new Error(`fails without any mutant: ${failed.map(({ name }) => name).join("; ")}`);
  const seen = [];
  for (const file of await readdir(counts)) {
    const { counts: rows, ...test } = JSON.parse(await readFile(join(counts, file), "utf8"));
    seen.push({ ...test, rows: rows[contract] ?? [] });
  }
  return seen;
}

const keyOf = ({ file, name }) => `${file} ${name}`;

/** Which mutant each test is given: in turn one test each, those that fewest tests come to first. */
function assigned(left, noticed) {
  const round = new Map();
  const open = [...left].filter(([mutant]) => !noticed.has(mutant)).sort(([, a], [, b]) => a.length - b.length);
  for (let before = -1; round.size > before; ) {
    before = round.size;
    for (const [mutant, tests] of open) {
      const free = tests.find((test) => !round.has(test));
      if (free === undefined) continue;
      round.set(free, mutant);
      tests.splice(tests.indexOf(free), 1);
    }
  }
  return round;
}

/**
 * Gives each test that makes a chain of its own one mutant whose refusal it comes to, and runs
 * all; and again, until each mutant is noticed or has been given to all such tests. Gives those
 * that are left.
 */
async function inRounds(folder, all, seen) {
  const left = new Map(all.map((mutant) => [mutant, seen.filter(({ ownChain, rows }) => ownChain && rows[mutant.row] > 0)]));
  const noticed = new Set();
  for (;;) {
    const round = assigned(left, noticed);
    if (round.size === 0) return all.filter((mutant) => !noticed.has(mutant));
    const manifests = Object.fromEntries([...round].map(([test, { manifest }]) => [keyOf(test), manifest]));
    process.env.WATTEST_MANIFESTS = join(folder, "manifests.json");
    await writeFile(process.env.WATTEST_MANIFESTS, JSON.stringify(manifests));
    const tests = [...round.keys()];
    const { failed } = await run([...new Set(tests.map(({ file }) => file))], "mutants-setup.mjs", tests.map(({ name }) => name));
    const failedKeys = new Set(failed.map(keyOf));
    for (const [test, mutant] of round) if (failedKeys.has(keyOf(test))) noticed.add(mutant);
    process.stdout.write(` ${noticed.size}`);
  }
}

/** Runs all tests of a file on the same mutant: for those that share a chain. Gives whether none notices. */
async function survives(mutant, seen) {
  const tests = seen.filter(({ ownChain, rows }) => !ownChain && rows[mutant.row] > 0);
  if (tests.length === 0) return true;
  process.env.WATTEST_MANIFEST = mutant.manifest;
  const files = [...new Set(tests.map(({ file }) => file))];
  const { failed } = await run(files, "executed-setup.mjs", tests.map(({ name }) => name));
  delete process.env.WATTEST_MANIFEST;
  return failed.length === 0;
}

async function survivors(folder, contract) {
  const files = await testsOf(contract);
  const seen = await executions(folder, contract, files);
  const all = mutants(await sourceOf(contract));
  for (const [at, mutant] of all.entries()) {
    mutant.manifest = await laidOut(join(folder, String(at)), (whole) => whole);
    await writeFile(join(folder, String(at), "contracts", `${contract}.clar`), mutant.source);
  }
  const alive = [];
  for (const mutant of await inRounds(folder, all, seen)) {
    if (await survives(mutant, seen)) alive.push({ ...mutant, contract, tests: seen.filter(({ rows }) => rows[mutant.row] > 0).length });
  }
  console.log(` ${contract}: ${all.length - alive.length} of ${all.length} noticed`);
  return alive;
}

process.chdir(ROOT);
// The runner ends the process before Node has said why.
process.on("uncaughtExceptionMonitor", console.error);
const alive = [];
for (const contract of values.contract) {
  const folder = await mkdtemp(join(tmpdir(), "wattest-mutants-"));
  try {
    alive.push(...(await survivors(folder, contract)));
  } finally {
    await rm(folder, { recursive: true });
  }
}
for (const { contract, line, condition, tests } of alive) {
  const why = tests > 0 ? `${tests} tests come to it and pass without it` : "no test comes to its refusal";
  console.error(`${contract}.clar:${line}: (asserts! ${condition} …): ${why}`);
}
if (alive.length > 0) process.exitCode = 1;
