// What every public function costs at its realistic worst size, on the real VM.
// Knows how to set each call up; knows nothing of tables or limits kept.

import { readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { attestDeep, ZONE } from "./attested.mjs";
import { digestOf, doubleHash, nodeKey, PREVOTE, quorum, sign, slots, voteHash } from "./committee.mjs";
import { clarityLeaf, hash32, leafHash, leafOf, leafProof, zoneSummary } from "./entries.mjs";
import { MIN_STAKE, Network, UNBONDING_S } from "./network.mjs";
import { markets } from "./market-costs.mjs";
import { response } from "./response-costs.mjs";
import { tokens } from "./token-costs.mjs";
import { callBytes, leastFee } from "./transaction.mjs";
import { batchOf, recordHash, registerItem } from "./records.mjs";

/** The budget of one tenure: what all transactions of a block share. */
export const BUDGET = {
  runtime: 5_000_000_000,
  reads: 15_000,
  readBytes: 100_000_000,
  writes: 15_000,
  writeBytes: 15_000_000,
};

export const COMMITTEES = [4, 7, 13, 19, 31];

/** What an outcome cost: five kinds that a block limits, and the least fee, microSTX. */
export function costsOf({ costs: { total }, sent }) {
  return {
    runtime: total.runtime,
    reads: total.readCount,
    readBytes: total.readLength,
    writes: total.writeCount,
    writeBytes: total.writeLength,
    fee: leastFee(callBytes(sent)),
  };
}

/** A row: the name of the call, its costs, and the `events` that it printed, {contract, value}. */
function row(name, outcome) {
  if (outcome.result.type !== "ok") {
    throw new Error(`${name} was refused: ${Cl.prettyPrint(outcome.result)}`);
  }
  const events = outcome.events
    .filter(({ event }) => event === "print_event")
    .map(({ data }) => ({ contract: data.contract_identifier.split(".")[1], value: data.value }));
  return { name, events, ...costsOf(outcome) };
}

async function roles() {
  const net = await Network.deployed();
  const [alice, bob] = net.wallets;
  const longest = Cl.stringAscii("a-role-with-24-characte");
  const call = (name, args = [], by = net.deployer) =>
    row(`roles ${name}`, net.call("roles", name, args, by));
  const governor = Cl.stringAscii("governor");
  return [
    call("grant-role", [Cl.principal(alice), longest]),
    call("revoke-role", [Cl.principal(alice), longest]),
    call("pause"),
    call("unpause"),
    call("transfer-governor", [Cl.principal(bob)]),
    call("cancel-governor-transfer"),
    (call("transfer-governor", [Cl.principal(bob)]), call("accept-governor", [], bob)),
    row(
      "roles grant-role (a governor)",
      net.call("roles", "grant-role", [Cl.principal(alice), governor], bob),
    ),
  ];
}

async function registration() {
  const net = await Network.deployed();
  const [verifier, owner, heir] = net.wallets;
  net.expectOk(
    net.call("roles", "grant-role", [Cl.principal(verifier), Cl.stringAscii("verifier")]),
  );
  const call = (name, args, by) => row(`registration ${name}`, net.call("registration", name, args, by));
  const text = Cl.stringAscii("x".repeat(64));
  const user = (who) => call("register-user", [Cl.uint(1), Cl.buffer(hash32(who))], who);
  user(heir);
  return [
    user(owner),
    call("register-producer", [text, Cl.uint(1), Cl.buffer(hash32("roof"))], owner),
    call(
      "register-device",
      [
        Cl.uint(123),
        text,
        Cl.uint(500),
        Cl.tuple({
          zone: Cl.uint(1),
          kind: Cl.uint(1),
          curve: Cl.uint(1),
          key: Cl.buffer(nodeKey("meter").public),
          "meter-id": Cl.buffer(hash32("meter")),
          location: Cl.buffer(hash32("location")),
          source: Cl.uint(1),
          "valid-until": Cl.uint(4_000_000_000),
        }),
      ],
      owner,
    ),
    call("verify-asset", [Cl.uint(1)], verifier),
    call(
      "rotate-meter-key",
      [Cl.uint(1), Cl.uint(1), Cl.buffer(nodeKey("new").public)],
      verifier,
    ),
    call("transfer-ownership", [Cl.uint(1), Cl.principal(heir)], owner),
    call("revoke-asset", [Cl.uint(1)], heir),
  ];
}

async function staking() {
  const net = await Network.deployed();
  const initialise = row("oracle-staking initialise", net.initialise());
  for (const slot of slots(31)) net.enrol(slot);
  const everybody = slots(31).map((slot) => slot + 1);
  // Two epochs before, so that the third closes one and limits another.
  for (let epoch = 1; epoch <= 2; epoch++) {
    net.expectOk(net.propose(everybody));
    net.expectOk(net.activate());
  }
  const propose = row("oracle-staking propose-epoch (31 members)", net.propose(everybody));
  const activate = row("oracle-staking activate-epoch (21 of 31)", net.activate());

  const dispute = net.wallets[5];
  net.expectOk(net.call("roles", "grant-role", [Cl.principal(dispute), Cl.stringAscii("dispute")]));
  const owner = net.owner(0);
  const call = (name, args, by) => row(`oracle-staking ${name}`, net.call("oracle-staking", name, args, by));
  const register = row("oracle-staking register-operator", net.register(owner, nodeKey("last")));
  const rotate = row("oracle-staking rotate-node-key", net.rotate(32, owner, nodeKey("newest")));
  const stake = row("oracle-staking stake", net.stake(32, 2 * MIN_STAKE, owner));
  const unstake = call("request-unstake", [Cl.uint(32), Cl.uint(MIN_STAKE + 1)], owner);
  const guilty = (ids) => [
    Cl.list(ids.map((id) => Cl.uint(id))),
    Cl.uint(5000),
    Cl.uint(1000),
    Cl.principal(net.wallets[6]),
  ];
  const slash = (what, ids) =>
    row(`oracle-staking slash ${what}`, net.call("oracle-staking", "slash", guilty(ids), dispute));
  const slashes = [slash("(one)", [32]), slash("(31 members)", everybody)];
  const hold = call("hold", [Cl.uint(32), Cl.uint(1)], dispute);
  const reinstate = call("reinstate", [Cl.uint(32)], net.deployer);
  net.passTime(UNBONDING_S + 1200);
  const withdraw = call("withdraw", [Cl.uint(32)], owner);

  const windows = slots(24).map((n) => 900_000 + 900 * n);
  for (const window of windows) net.expectOk(net.submitWindow({ window }));
  const attested = windows.map((window) =>
    Cl.tuple({ window: Cl.uint(window), revision: Cl.uint(0) }),
  );
  const count = row(
    "oracle-staking count-participation (24 of 31 members)",
    net.call("oracle-staking", "count-participation", [Cl.uint(3), Cl.list(attested)]),
  );
  const bonds = [stake, unstake, withdraw, ...slashes, hold, reinstate];
  return [initialise, register, rotate, ...bonds, propose, activate, count];
}

async function oracle() {
  const rows = [];
  for (const n of COMMITTEES) {
    const net = await Network.running(n);
    const name = `(${quorum(n)} of ${n})`;
    rows.push(row(`production-oracle submit-window ${name}`, net.submitWindow()));
    if (n !== 31) continue;
    rows.push(
      row(
        "production-oracle submit-window (31 of 31, restated)",
        net.submitWindow({ revision: 1 }, { signers: slots(31) }),
      ),
      row(`production-oracle submit-void ${name}`, net.submitVoid({ window: 901_800 })),
      openZone(net, 10),
      openZone(net, 24),
    );
  }
  return rows;
}

/** Opens the first zone of a tree that is `depth` rows high. */
function openZone(net, depth) {
  const window = 1_800_000 + depth * 900;
  const zone = zoneSummary({ window });
  const path = slots(depth).map((n) => hash32(`sibling ${n}`));
  const root = path.reduce((left, right) => doubleHash(Buffer.concat([left, right])), leafHash(zone));
  net.expectOk(net.submitWindow({ window, root, zoneCount: 2 ** depth }));
  return row(
    `production-oracle open-zone (depth ${depth})`,
    net.call("production-oracle", "open-zone", [
      Cl.uint(window),
      Cl.uint(0),
      zone,
      Cl.uint(0),
      Cl.list(path.map((sibling) => Cl.buffer(sibling))),
    ]),
  );
}

const SAMPLES = new URL("../../tests/fixtures/formats/ocmf/records.jsonl", import.meta.url);

/** A real record of a KEBA charger, 552 bytes that read its meter twice. */
function kebaRecord() {
  const rows = readFileSync(SAMPLES, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return Buffer.from(rows.find(({ record }) => record.includes("62500.1297")).record);
}

function doubleVote(net, digest) {
  const place = { network: net.network(), epoch: net.epoch, height: 9, round: 0, phase: PREVOTE };
  return Cl.tuple({
    epoch: Cl.uint(net.epoch),
    digest: Cl.some(Cl.buffer(digest)),
    signature: Cl.buffer(sign(voteHash({ ...place, digest }), net.committee[0])),
  });
}

async function disputes(n) {
  const net = await Network.disputing(n);
  const name = `(${quorum(n)} of ${n})`;
  const call = (fn, args, by = net.outsider) => net.call("dispute-resolution", fn, args, by);
  const cost = (fn, what, args, by) => row(`dispute-resolution ${fn} ${what}`, call(fn, args, by));
  const leafArgs = (leaf, { index, siblings }) => [
    Cl.uint(leaf.window),
    Cl.uint(0),
    Cl.uint(ZONE),
    clarityLeaf(leaf),
    index,
    siblings,
  ];
  const lie = (window, fields) => leafOf({ usagePoint: 7, window, since: 900_000, importWh: 1, ...fields });
  const record = kebaRecord();
  const bare = lie(901_800, { record: recordHash(record) });
  const keba = { usagePoint: 7, timeS: 1, format: "ocmf", data: record };
  const batch = batchOf([keba, ...slots(6).map((at) => registerItem(10 + at, 1, 1000, 2000))]);
  const carried = lie(902_700, { record: digestOf(batch) });
  const rows = [
    cost("submit-double-vote", `(a committee of ${n})`, [
      ...[9, 0, PREVOTE].map((number) => Cl.uint(number)),
      doubleVote(net, hash32("one")),
      doubleVote(net, hash32("other")),
    ]),
    cost("submit-false-leaf", name, [...leafArgs(bare, attestDeep(net, bare)), Cl.buffer(record)]),
    cost("submit-false-batch-leaf", `${name.slice(0, -1)}, 7 items)`, [
      ...leafArgs(carried, attestDeep(net, carried)),
      batch,
    ]),
  ];
  const was = leafOf({ usagePoint: 7 });
  const earlier = Cl.some(Cl.tuple({ leaf: clarityLeaf(was), ...attestDeep(net, was) }));
  const bent = lie(903_600, {});
  const accused = leafArgs(bent, attestDeep(net, bent));
  rows.push(cost("submit-false-energy", name, [...accused, Cl.uint(ZONE), earlier]));
  return [...rows, ...sums(net, name, cost), ...challenges(net, n, cost)];
}

function sums(net, name, cost) {
  const leaves = slots(25).map((at) => leafOf({ usagePoint: at + 1, window: 904_500 }));
  net.attest(904_500, [{ zone: ZONE, leaves, importWh: 1 }]);
  const counted = leaves.map((leaf, at) =>
    Cl.tuple({ leaf: clarityLeaf(leaf), siblings: leafProof(leaves, at).siblings }),
  );
  const zone = [904_500, 0, ZONE].map((number) => Cl.uint(number));
  const tally = cost("tally-zone", "(25 leaves)", [...zone, Cl.list(counted)]);
  const falseZone = cost("submit-false-zone", name, zone);
  const zones = slots(64).map((at) => ({ zone: at + 1, leaves: [leafOf({ usagePoint: at, window: 905_400 })] }));
  net.attest(905_400, zones, { importWh: 1 });
  const ids = Cl.list(zones.map(({ zone: id }) => Cl.uint(id)));
  const window = [Cl.uint(905_400), Cl.uint(0), ids];
  return [tally, falseZone, cost("submit-false-window", `${name.slice(0, -1)}, 64 zones)`, window)];
}

function challenges(net, n, cost) {
  const what = `(a committee of ${n})`;
  const args = [Cl.uint(n), Cl.uint(1), Cl.buffer(hash32("file")), Cl.uint(0)];
  const voters = slots(4).map((slot) => net.owner(slot)).filter((owner) => owner !== net.owner(n - 1));
  const opened = cost("open-challenge", what, args);
  const votes = voters.map((owner) => cost("vote-challenge", what, [Cl.uint(1), Cl.bool(true)], owner));
  return [opened, votes.at(-1), cost("resolve-challenge", "(guilty)", [Cl.uint(1)])];
}

/** All rows, contract by contract. */
export async function measure() {
  return [
    ...(await roles()),
    ...(await registration()),
    ...(await staking()),
    ...(await oracle()),
    ...(await disputes(31)),
    ...(await tokens(row)),
    ...(await response(row)),
    ...(await markets(row)),
  ];
}

/** The public functions a stranger can reach: what must have a row. */
export async function publicFunctions() {
  const net = await Network.deployed();
  const names = [];
  for (const [id, { functions }] of net.vm.getContractsInterfaces()) {
    const [address, contract] = id.split(".");
    if (address !== net.deployer) continue;
    for (const { name, access } of functions) {
      if (access === "public") names.push(`${contract} ${name}`);
    }
  }
  return names;
}

/** The largest share of a tenure's budget that a row takes, and in which cost. */
export function share(costs) {
  const known = Object.entries(BUDGET).filter(([cost]) => cost in costs);
  const shares = known.map(([cost, budget]) => [costs[cost] / budget, cost]);
  return shares.reduce((worst, next) => (next[0] > worst[0] ? next : worst));
}
