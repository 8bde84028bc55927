// COSTS.md, written from what was measured. Measures nothing.

import { BUDGET, COMMITTEES, share } from "./costs.mjs";
import { quorum } from "./committee.mjs";
import { EVIDENCE, LAZER_REVIEW, PROTOTYPE, PUBLISHED } from "./published.mjs";
import { FEE_RATE } from "./transaction.mjs";
import { BASELINE_DAYS, CLAIMANTS, CLAIMING, COUNTED, LEAVES, MEMBERS, ORACLE } from "./window-costs.mjs";

const USTX = 1_000_000;

const number = (n) => n.toLocaleString("en").replaceAll(",", " ");
const percent = (fraction) => `${(100 * fraction).toFixed(4)} %`;
const plural = (n, one) => (n === 1 ? `${n} ${one}` : `${number(n)} ${one}s`);
const cells = (costs) => Object.keys(BUDGET).map((name) => number(costs[name])).join(" | ");

function shareText(costs) {
  const [fraction, cost] = share(costs);
  return `${percent(fraction)} (${cost})`;
}

function table(rows) {
  return rows
    .map((costs) => `| ${costs.name} | ${cells(costs)} | ${number(costs.fee)} | ${shareText(costs)} |`)
    .join("\n");
}

function comparison(rows) {
  return COMMITTEES.map((n) => {
    const ours = rowOf(rows, `production-oracle submit-window (${quorum(n)} of ${n})`);
    const [runtime, reads] = PROTOTYPE[n];
    const ratio = (ours.runtime / runtime).toFixed(2);
    return `| ${quorum(n)} of ${n} | ${number(ours.runtime)} | ${number(runtime)} | ${ratio} | ${ours.reads} | ${reads} |`;
  }).join("\n");
}

function evidence(rows) {
  return Object.entries(EVIDENCE).map(([name, [runtime, reads]]) => {
    const ours = rowOf(rows, `dispute-resolution ${name}`);
    return `| ${name} | ${number(ours.runtime)} | ${number(runtime)} | ${ours.reads} | ${reads} |`;
  }).join("\n");
}

function rowOf(rows, name) {
  return rows.find((costs) => costs.name === name);
}

function added(all) {
  const names = Object.keys(all[0]);
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, costs) => sum + costs[name], 0)]));
}

/** What the calls of one payer, or all, cost together. */
function total(calls, payer) {
  return added(calls.filter((call) => !payer || call.payer === payer).map(({ costs }) => costs));
}

const stx = (ustx) => (ustx / USTX).toFixed(6);

function windowRow(name, payer, count, costs) {
  return `| ${name} | ${payer} | ${count} | ${cells(costs)} | ${stx(costs.fee)} | ${shareText(costs)} |`;
}

function counted(calls) {
  const whole = calls.filter(({ per }) => per === 1).reduce((sum, { count }) => sum + count, 0);
  return [number(whole), ...calls.filter(({ per }) => per > 1).map(({ per }) => `1/${per}`)].join(" + ");
}

function oneWindow({ zones, calls }) {
  const lines = calls.map(({ name, payer, count, per, costs }) =>
    windowRow(name, payer, per > 1 ? `1/${per}` : number(count), costs),
  );
  const sums = [ORACLE, CLAIMANTS].map((payer) => {
    const theirs = calls.filter((call) => call.payer === payer);
    return windowRow("**together**", payer, counted(theirs), total(theirs));
  });
  return `### ${plural(zones, "zone")}, ${number(zones * LEAVES)} meters

| call | paid by | calls | runtime | reads | read bytes | writes | write bytes | least fee, STX | share of a block |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
${[...lines, ...sums].join("\n")}`;
}

function windowsText(windows) {
  const largest = windows.at(-1);
  const [own, theirs] = [ORACLE, CLAIMANTS].map((payer) => total(largest.calls, payer));
  const tenures = Math.ceil(share(theirs)[0]);
  return `## A settlement window

All that a window takes on chain, from its attestation until people are paid for it. The committee has ${MEMBERS} members, of
whom ${quorum(MEMBERS)} sign. A zone has ${LEAVES} meters, so a leaf's proof in it is ${Math.ceil(Math.log2(LEAVES))} hashes long; the zone's own in the window
grows with the number of zones.

*The oracle's own cost* is what has to be paid by somebody so that anything of the window can be proven: the certificate,
and a call for each zone; one \`count-participation\` serves ${COUNTED} windows, and ${COUNTED} share it. *Claimants* are in each zone: a
producer, whose leaf is minted as ENERGY (\`record-energy-production\`) and was sold for STX (\`settle-trade\`, and \`claim\` when
nothing can be corrected any more); and a home that kept its word in a demand-response event that ends with this window
(\`verify-commitment\`, \`claim-reward\`). Its \`record-readings\` shows all ${2 * (BASELINE_DAYS + 1)} leaves that it takes, of ${BASELINE_DAYS} days' baseline and of the
event, though all but one are of other windows. Ending the event and sharing it out is done once for all homes.

Every call is made and measured; of the claims, those of ${CLAIMING} zones, by which those of ${number(largest.zones)} are counted: a zone's claims
touch nothing of another's. A window of which nobody claims anything costs what the oracle's rows say, and a zone of which
nobody proves anything need not be opened at all.

${windows.map(oneWindow).join("\n\n")}

The oracle's own ${number(largest.zones)} zones take ${percent(share(own)[0])} of one block's budget and ${stx(own.fee)} STX. The claimants' reads, of which a leaf
costs some twenty in each contract that it is shown to, are what binds: of ${number(largest.zones)} zones they would fill ${tenures} blocks' budgets. A budget is
a tenure's, about ten minutes, and a window of 15 minutes has the next ones for what it owes, since no claim has to be made
within its window.`;
}

function publishedRow({ name, source, about = false, costs }) {
  const kept = ["runtime", "reads", "readBytes", "writeBytes"];
  const figures = kept.map((cost) => `${about && costs[cost] > 1000 ? "about " : ""}${number(costs[cost])}`);
  return `| ${name} | ${figures.join(" | ")} | ${shareText(costs)} | ${source} |`;
}

function ourRow(name, costs) {
  return publishedRow({ name: `**ours:** ${name}`, source: "this page", costs });
}

function published(rows, windows) {
  const submitted = rowOf(rows, "production-oracle submit-window (13 of 19)");
  const opened = rowOf(rows, "production-oracle open-zone (depth 10)");
  const used = rowOf(rows, "energy-production-tracking record-energy-production");
  const usable = added([submitted, opened, used].map(({ name, events, ...costs }) => costs));
  const lines = [
    ...PUBLISHED.map(publishedRow),
    ourRow("submit-window, 13 of 19, verified and stored", submitted),
    ourRow("submit-window, open-zone, and one leaf used for ENERGY", usable),
    ...windows.map(({ zones, calls }) => ourRow(`a window of ${plural(zones, "zone")}, the oracle's own`, total(calls, ORACLE))),
  ];
  const [vaa, update] = PUBLISHED.map(({ costs }) => costs.runtime / submitted.runtime);
  return `## Side by side with published figures

| call | runtime | reads | read bytes | write bytes | share of a block | source |
|---|--:|--:|--:|--:|--:|---|
${lines.join("\n")}

The others' figures are not measured by this command. They were measured before, on the same VM in epoch 4.0, of the
contracts that their authors have published; nothing says that those who run them now use the same version. Lazer's own cost review, of epoch
3.x, has ${LAZER_REVIEW.join(" and ")} million of runtime. The shares are of the kind of cost that is nearest its limit, as everywhere on this page.

A certificate of 13 of 19 costs us ${Math.round(vaa)} times less runtime than the check of a VAA with as many signatures, and ${number(Math.round(update))} times
less than a whole price update. What differs, to be fair:

- The signatures are of the same kind and the same number. The VAA's and the update's are bytes that the contract takes apart,
  field by field, through cursors that carry the whole; ours are typed arguments of which the contract makes the signed
  bytes. That is the difference, not cryptography. It was our choice to make: nothing of ours has to read another chain's format.
- The VAA's row stores nothing, and the price update's stores one price that any contract can then read. Ours stores what a quorum says of all
  meters; to use one meter's energy takes a zone opened and a proof, which the second row of ours has, with the production ledger and its minting.
- Lazer verifies one signer and no quorum, and keeps nothing: what a caller pays each time it wants a price. Ours is
  paid once for a window.
- Prices and readings are not the same work. This compares what a block has to spend, not what it is worth.`;
}

/** The whole page: of every public function's row, and of the windows measured. */
export function page(rows, windows) {
  return `# What the contracts cost

Written by \`npm run costs\`, on the real VM (Clarity 6, epoch 4.0), every public function at its
realistic worst size. \`npm run costs -- --check\` and the tests fail if a call costs more than
this page says, or the page is not what is measured. The last column is the largest share of a tenure's budget (runtime
${number(BUDGET.runtime)}, reads ${number(BUDGET.reads)}, read bytes ${number(BUDGET.readBytes)}, writes
${number(BUDGET.writes)}, write bytes ${number(BUDGET.writeBytes)}) and the cost it is in.

The fee, in microSTX, is the least that a node relays today: ${FEE_RATE} microSTX for each byte of the signed transaction
(stacks-core: MINIMUM_TX_FEE_RATE_PER_BYTE), so it is the call's length too, without post-conditions. What is really
paid is the market's; \`wattest contracts deploy --dry-run\` and the nodes' outbox ask a node for it, and never pay below 400.

| call | runtime | reads | read bytes | writes | write bytes | least fee | share of a block |
|---|--:|--:|--:|--:|--:|--:|--:|
${table(rows)}

\`install-epoch\` is called by \`activate-epoch\` alone and is counted there; so are \`settle-event\` in \`distribute\`,
\`pay-reward\` and \`settle\` in \`claim-reward\`.

${windowsText(windows)}

${published(rows, windows)}

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
