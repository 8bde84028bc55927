// `npm run costs` measures every public function and writes COSTS.md;
// `npm run costs -- --check` measures and fails if anything costs more than it says.

import { readFile, writeFile } from "node:fs/promises";
import { BUDGET, COMMITTEES, measure, share } from "../harness/costs.mjs";
import { quorum } from "../harness/committee.mjs";
import { committedCosts, regressions } from "../harness/cost-table.mjs";

const FILE = new URL("../COSTS.md", import.meta.url);

/** Variant R of the prototype, which signed four numbers and two hashes: runtime, reads. */
const PROTOTYPE = {
  4: [121_542, 6],
  7: [154_253, 6],
  13: [219_675, 6],
  19: [285_097, 6],
  31: [415_941, 6],
};

/** The prototype's evidence contract, of 4 kB, that slashed in a call of its own: runtime, reads. */
const EVIDENCE = {
  "submit-double-vote (a committee of 31)": [74_510, 5],
  "submit-false-leaf (21 of 31)": [92_688, 6],
};

const number = (n) => n.toLocaleString("en").replaceAll(",", " ");
const percent = (fraction) => `${(100 * fraction).toFixed(4)} %`;

function table(rows) {
  const lines = rows.map((costs) => {
    const [fraction, cost] = share(costs);
    const cells = Object.keys(BUDGET).map((name) => number(costs[name]));
    return `| ${costs.name} | ${cells.join(" | ")} | ${percent(fraction)} (${cost}) |`;
  });
  return lines.join("\n");
}

function comparison(rows) {
  return COMMITTEES.map((n) => {
    const name = `production-oracle submit-window (${quorum(n)} of ${n})`;
    const ours = rows.find((costs) => costs.name === name);
    const [runtime, reads] = PROTOTYPE[n];
    const ratio = (ours.runtime / runtime).toFixed(2);
    return `| ${quorum(n)} of ${n} | ${number(ours.runtime)} | ${number(runtime)} | ${ratio} | ${ours.reads} | ${reads} |`;
  }).join("\n");
}

function evidence(rows) {
  return Object.entries(EVIDENCE).map(([name, [runtime, reads]]) => {
    const ours = rows.find((costs) => costs.name === `dispute-resolution ${name}`);
    return `| ${name} | ${number(ours.runtime)} | ${number(runtime)} | ${ours.reads} | ${reads} |`;
  }).join("\n");
}

function page(rows) {
  return `# What the contracts cost

Written by \`npm run costs\`, on the real VM (Clarity 6, epoch 4.0), every public function at its
realistic worst size. \`npm run costs -- --check\` and the tests fail if a call costs more than
this page says. The last column is the largest share of a tenure's budget (runtime
${number(BUDGET.runtime)}, reads ${number(BUDGET.reads)}, read bytes ${number(BUDGET.readBytes)}, writes
${number(BUDGET.writes)}, write bytes ${number(BUDGET.writeBytes)}) and the cost it is in.

| call | runtime | reads | read bytes | writes | write bytes | share of a block |
|---|--:|--:|--:|--:|--:|--:|
${table(rows)}

\`install-epoch\` is called by \`activate-epoch\` alone and is counted there; so are \`settle-event\` in \`distribute\`,
\`pay-reward\` and \`settle\` in \`claim-reward\`.

## submit-window beside the prototype

The prototype verified the same kind of certificate (one slot for each member, who signed is
stored) over a flat report of nine fields. Ours rebuilds two digests, of the log entry and of the vote,
over a window summary of sixteen fields, and stores and prints all of it.

| signatures | runtime | prototype | ratio | reads | prototype |
|---|--:|--:|--:|--:|--:|
${comparison(rows)}

## Evidence beside the prototype

Ours is dearer. The prototype proved and stored; ours also slashes in the same call (one operator for a double vote,
21 for a leaf), which the prototype did in another for 37 698 and 8 reads each. A call loads the sources of all five
contracts, some of them twice, about 130 kB; that is what most of a double vote costs. And the prototype's record was a
typed tuple that a meter would have to sign as such: ours is what meters write. Reading 552 bytes of a real KEBA record
on chain costs about 450 000 runtime, 0.01 % of a block. Reads bind, not runtime, so it was left at that.

| call | runtime | prototype | reads | prototype |
|---|--:|--:|--:|--:|
${evidence(rows)}
`;
}

const rows = await measure();
if (process.argv.includes("--check")) {
  const worse = regressions(committedCosts(await readFile(FILE, "utf8")), rows);
  for (const line of worse) console.error(line);
  process.exitCode = worse.length ? 1 : 0;
} else {
  await writeFile(FILE, page(rows));
}
