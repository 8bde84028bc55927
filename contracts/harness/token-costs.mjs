// What the calls cost that take proven energy and make tokens of it: a leaf is the first of
// 2^20 in its zone, which no zone exceeds. Knows nothing of tables.

import { Cl } from "@stacks/transactions";
import { attestDeep, attestEnergy, enrolMeter, producing, registerProducer, ZONE } from "./attested.mjs";
import { slots } from "./committee.mjs";
import { clarityLeaf, hash32, leafOf } from "./entries.mjs";

const DAY = 20_000;
const DAY_S = 86_400;
const NOON = DAY * DAY_S + 43_200;

/** The rows, each made by `row` of a name and an outcome. */
export async function tokens(row) {
  const net = await producing(31);
  const [minter, alice, bob] = net.wallets;
  for (const role of ["minter", "reward-minter", "governance"]) net.expectOk(net.grant(minter, role));
  return [...tokenCalls(net, row, minter, alice, bob), ...production(net, row, alice), ...consumption(net, row, bob)];
}

function tokenCalls(net, row, minter, alice, bob) {
  const call = (contract, name, args, by = alice) => row(`${contract} ${name}`, net.call(contract, name, args, by));
  const memo = Cl.some(Cl.buffer(new Uint8Array(34).fill(1)));
  const move = [Cl.uint(10), Cl.principal(alice), Cl.principal(bob), memo];
  const make = [Cl.uint(1000), Cl.principal(alice)];
  const destroy = [Cl.uint(10), Cl.principal(alice)];
  const both = ["energy-token", "reward-token"].flatMap((token) => [
    call(token, "mint", make, minter),
    call(token, "transfer", move),
    call(token, "burn", destroy),
  ]);
  return [
    ...both,
    call("reward-token", "lock", [Cl.uint(100)]),
    call("reward-token", "hold", [Cl.principal(alice), Cl.uint(1)], minter),
    call("reward-token", "unlock", [Cl.uint(50)]),
  ];
}

/** The arguments of `verify-leaf` for a leaf far down in its zone. */
function deepArgs(net, leaf) {
  const { index, siblings } = attestDeep(net, leaf);
  return [Cl.uint(0), Cl.uint(ZONE), clarityLeaf(leaf), index, siblings];
}

function production(net, row, owner) {
  const call = (name, args, by = net.outsider) =>
    row(`energy-production-tracking ${name}`, net.call("energy-production-tracking", name, args, by));
  registerProducer(net, owner);
  const roof = enrolMeter(net, owner, { capacityW: 1000 });
  const leaf = leafOf({ usagePoint: roof, window: NOON, since: NOON - 900, exportWh: 4_000_000 });
  const recorded = call("record-energy-production", deepArgs(net, leaf));
  const after = slots(16).map((n) => leaf.window + 1800 * (n + 1));
  for (const window of after) {
    const { args } = attestEnergy(net, window, [{ usagePoint: roof, exportWh: 1 }]).get(roof);
    net.expectOk(net.call("energy-production-tracking", "record-energy-production", args, owner));
  }
  const late = leafOf({ ...leaf, window: leaf.window + 900, since: leaf.window });
  const late16 = call("record-late-production", [...deepArgs(net, late), Cl.uint(after.at(-1))]);
  return [
    recorded,
    { ...late16, name: `${late16.name} (16 leaves back)` },
    call("schedule-maintenance", [Cl.uint(roof), Cl.uint(DAY)]),
    call("complete-maintenance", [Cl.uint(roof)], owner),
  ];
}

function consumption(net, row, owner) {
  const call = (name, args, by = owner) =>
    row(`consumption-monitoring ${name}`, net.call("consumption-monitoring", name, args, by));
  const home = enrolMeter(net, owner);
  const evening = NOON + 90_000;
  const registered = call("register-consumer", [Cl.uint(home), Cl.uint(1), Cl.buffer(hash32("profile"))]);
  const limits = call("set-threshold", [home, 1, 1].map((n) => Cl.uint(n)));
  const leaf = leafOf({ usagePoint: home, window: evening, since: evening - 900, importWh: 4000 });
  const recorded = call("record-consumption", deepArgs(net, leaf));
  const after = attestEnergy(net, leaf.window, [{ ...leaf, importWh: 1 }], { revision: 1 }).get(home);
  const meters = slots(5).map((n) => ({ usagePoint: 100 + n, importWh: 1 }));
  attestEnergy(net, evening + 900, meters);
  return [
    registered,
    limits,
    call("commit-consumption", [Cl.uint(home), Cl.uint(DAY), Cl.buffer(hash32("day"))]),
    recorded,
    call("restate-consumption", [...after.args, clarityLeaf(leaf)]),
    call("record-zone-consumption", [evening + 900, 0, ZONE].map((n) => Cl.uint(n))),
    call("set-times", [Cl.list(slots(24).map(() => Cl.uint(1)))], net.deployer),
  ];
}
