// What every public function costs at its realistic worst size, on the real VM.
// Knows how to set each call up; knows nothing of tables or limits kept.

import { Cl } from "@stacks/transactions";
import { doubleHash, nodeKey, quorum, slots } from "./committee.mjs";
import { hash32, leafHash, zoneSummary } from "./entries.mjs";
import { MIN_STAKE, Network, UNBONDING_S } from "./network.mjs";

/** The budget of one tenure: what all transactions of a block share. */
export const BUDGET = {
  runtime: 5_000_000_000,
  reads: 15_000,
  readBytes: 100_000_000,
  writes: 15_000,
  writeBytes: 15_000_000,
};

export const COMMITTEES = [4, 7, 13, 19, 31];

/** A row: the name of the call and its five costs. */
function row(name, outcome) {
  if (outcome.result.type !== "ok") {
    throw new Error(`${name} was refused: ${Cl.prettyPrint(outcome.result)}`);
  }
  const { total } = outcome.costs;
  return {
    name,
    runtime: total.runtime,
    reads: total.readCount,
    readBytes: total.readLength,
    writes: total.writeCount,
    writeBytes: total.writeLength,
  };
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
  const slash = call(
    "slash",
    [Cl.uint(32), Cl.uint(MIN_STAKE), Cl.uint(1000), Cl.principal(net.wallets[6])],
    dispute,
  );
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
  return [initialise, register, rotate, stake, unstake, withdraw, slash, propose, activate, count];
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

/** All rows, contract by contract. */
export async function measure() {
  return [
    ...(await roles()),
    ...(await registration()),
    ...(await staking()),
    ...(await oracle()),
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
  const shares = Object.entries(BUDGET).map(([cost, budget]) => [costs[cost] / budget, cost]);
  return shares.reduce((worst, next) => (next[0] > worst[0] ? next : worst));
}
