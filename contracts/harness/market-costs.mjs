// What the calls of grid, VPPs, market and settlement cost at their worst: full lists, rows of
// twelve deliveries, groups of ten, twenty bids, proofs in zones of 2^20 or of 24 leaves at once.
// Knows nothing of tables.

import { Cl } from "@stacks/transactions";
import { attestDeep, attestEnergy, enrolMeter, registerUser, ZONE } from "./attested.mjs";
import { slots } from "./committee.mjs";
import { clarityLeaf, leafOf } from "./entries.mjs";
import { Network, WINDOW_S } from "./network.mjs";

const LIST = 24;
const STX = 1;
const DAY_S = 86_400;
const uints = (...numbers) => numbers.map((n) => Cl.uint(n));
const tuple = (fields) => Cl.tuple(Object.fromEntries(Object.entries(fields).map(([name, n]) => [name, Cl.uint(n)])));

/** The rows, each made by `row` of a name and an outcome. */
export async function markets(row) {
  return [...(await grid(row)), ...(await vpps(row)), ...(await offers(row)), ...(await auctions(row)), ...(await settlements(row))];
}

/** A network of 31 members with an operator of the grid. */
async function network() {
  const net = await Network.disputing(31);
  const operator = net.deployer;
  const args = [Cl.principal(operator), Cl.bool(true)];
  net.expectOk(net.call("grid-management", "set-operator-authorization", args));
  return net;
}

function connected(net, owner, fields = {}) {
  const asset = enrolMeter(net, owner, { capacityW: 10_000, ...fields });
  net.expectOk(net.call("grid-management", "connect-asset", uints(asset, 10_000)));
  return asset;
}

const window = (net, n) => (Math.floor(net.now() / WINDOW_S) + n) * WINDOW_S;

/** The arguments of `verify-leaf` for a leaf far down in its zone. */
function deepArgs(net, leaf) {
  const { index, siblings } = attestDeep(net, leaf);
  return [Cl.uint(0), Cl.uint(ZONE), clarityLeaf(leaf), index, siblings];
}

async function grid(row) {
  const net = await network();
  const call = (name, args, by = net.deployer) => row(`grid-management ${name}`, net.call("grid-management", name, args, by));
  const battery = enrolMeter(net, net.wallets[4], { source: 6, capacityW: 10_000 });
  const first = window(net, 8);
  const rows = [
    call("set-operator-authorization", [Cl.principal(net.outsider), Cl.bool(true)]),
    call("set-interconnection-limit", uints(ZONE, 1_000_000, 50_000, 230_000)),
    call("connect-asset", uints(battery, 10_000)),
    call("update-grid-status", uints(ZONE, 50_000, 230_000)),
    call("dispatch-storage", uints(battery, 2, 5000, first, 96)),
    call("order-balancing", uints(ZONE, 3, 5000, first, 96)),
  ];
  const leaf = leafOf({ usagePoint: battery, window: first, since: first - WINDOW_S, exportWh: 900 });
  const proof = deepArgs(net, leaf);
  return [
    ...rows,
    call("confirm-dispatch", [Cl.uint(1), ...proof]),
    call("record-power-feed", proof),
    call("set-island-mode", [Cl.uint(ZONE), Cl.bool(true)]),
    call("implement-emergency-protocol", uints(ZONE, 1)),
    call("disconnect-asset", uints(battery)),
  ];
}

async function vpps(row) {
  const net = await network();
  const [operator, owner] = net.wallets.slice(4);
  const call = (name, args, by = net.outsider) => row(`aggregation ${name}`, net.call("aggregation", name, args, by));
  registerUser(net, operator);
  const created = call("create-vpp", [Cl.stringAscii("x".repeat(64))], operator);
  const roofs = slots(LIST).map(() => connected(net, owner));
  const joined = roofs.map((roof) => call("join", uints(1, roof), owner)).at(-1);
  const at = window(net, 2);
  const published = call("publish-forecast", uints(1, at, 24_000), operator);
  const proofs = attestEnergy(net, at, roofs.map((usagePoint) => ({ usagePoint, exportWh: 900 })));
  const list = Cl.list(roofs.map((roof) => proofs.get(roof).tuple));
  const aggregated = row(
    `aggregation aggregate-window (${LIST} leaves)`,
    net.call("aggregation", "aggregate-window", [...uints(1, at), list]),
  );
  net.passTime(DAY_S + 4 * WINDOW_S);
  const scored = call("score-forecast", uints(1, at));
  return [created, joined, call("leave", uints(roofs[0]), owner), aggregated, published, scored];
}

function terms(net, asset, fields = {}) {
  return tuple({
    kind: 1,
    "asset-kind": 1,
    asset,
    currency: STX,
    "energy-wh": 4000,
    "min-wh": 1,
    "price-per-kwh": 200_000,
    "first-window": window(net, 24),
    windows: 24,
    deliveries: 12,
    "every-s": DAY_S / 2,
    ...fields,
  });
}

async function offers(row) {
  const net = await network();
  const [seller, buyer] = net.wallets.slice(4);
  const call = (name, args, by = buyer, what = "") => row(`marketplace ${name}${what}`, net.call("marketplace", name, args, by));
  const asset = connected(net, seller);
  const offer = (fields, to = Cl.none()) => call("create-energy-offer", [terms(net, asset, fields), to], seller);
  const twelve = " (12 deliveries)";
  const wishes = [...uints(STX, 1_000_000, 1, 5000), Cl.bool(true)];
  const rows = [
    offer(),
    call("accept-energy-offer", uints(1, 1000), buyer, twelve),
    call("deposit", uints(STX, 10_000_000)),
    call("set-preferences", wishes),
    call("match-offer", [Cl.uint(1), Cl.principal(buyer), Cl.uint(1000)], net.outsider, twelve),
    call("cancel-energy-offer", uints(1), seller),
    call("withdraw", uints(STX, 1)),
  ];
  offer({}, Cl.some(Cl.principal(buyer)));
  rows.push(call("reject-energy-offer", uints(2)));
  offer();
  rows.push(call("open-group-purchase", uints(3, window(net, 20))));
  const join = (who) => call("join-group-purchase", uints(1, 100), who, " (the last of 10)");
  const people = net.wallets.filter((who) => who !== seller);
  const joined = people.map(join);
  // Contracts make up the number: a wallet pledges once.
  for (const n of [1, 2, 3]) {
    const amount = 12 * 20_000;
    const source = `(define-public (go) (as-contract? ((with-stx u${amount})) (try! (contract-call? '${net.deployer}.marketplace join-group-purchase u1 u100))))`;
    const member = net.deploy(`member-${n}`, source, net.outsider);
    net.vm.transferSTX(amount, member, net.outsider);
    net.expectOk(net.callAny(member, "go", [], net.outsider));
  }
  rows.push(joined.at(-1));
  rows.push(call("leave-group-purchase", uints(1), people[0]));
  join(people[0]);
  rows.push(call("close-group-purchase", uints(1), net.outsider, " (10 members, 12 deliveries)"));
  return rows;
}

async function auctions(row) {
  const net = await network();
  const [seller, ...people] = net.wallets.slice(4);
  const asset = connected(net, seller);
  const fields = {
    "asset-kind": 1,
    asset,
    currency: STX,
    "energy-wh": 4000,
    "reserve-per-kwh": 1000,
    "first-window": window(net, 8),
    windows: 4,
    "closes-at": window(net, 6),
  };
  const call = (name, args, by, what = "") => row(`marketplace ${name}${what}`, net.call("marketplace", name, args, by));
  const opened = call("open-auction", [tuple(fields)], seller);
  const bids = slots(21).map((n) =>
    call("place-bid", uints(1, 200, 1000 + n), people[n % people.length], " (the list is full)"),
  );
  net.passTime(7 * WINDOW_S);
  return [opened, bids.at(-1), call("clear-auction", uints(1), net.outsider, " (20 bids)")];
}

async function settlements(row) {
  const net = await network();
  const [seller, buyer] = net.wallets.slice(4);
  const call = (name, args, by = net.outsider, what = "") =>
    row(`payment-settlement ${name}${what}`, net.call("payment-settlement", name, args, by));
  const asset = connected(net, seller);
  const first = window(net, 24);
  const sell = (id, wh) => {
    const fields = { "first-window": first, windows: LIST, deliveries: 1, "every-s": 0, "energy-wh": wh };
    net.expectOk(net.call("marketplace", "create-energy-offer", [terms(net, asset, fields), Cl.none()], seller));
    net.expectOk(net.call("marketplace", "accept-energy-offer", uints(id, wh), buyer));
  };
  [1, 2, 3].forEach((id) => sell(id, 20_000));
  const full = ` (${LIST} leaves)`;
  const show = (revision, exportWh) => {
    const at = (n) => first + n * WINDOW_S;
    return slots(LIST).map((n) => attestEnergy(net, at(n), [{ usagePoint: asset, exportWh }], { revision }).get(asset).tuple);
  };
  const proofs = show(0, 600);
  const settled = call("settle-trade", [Cl.uint(1), Cl.list(proofs)], net.outsider, full);
  const parts = proofs.map((proof) => Cl.tuple({ trade: Cl.uint(2), proof }));
  const batch = call("settle-batch", [Cl.list(parts)], net.outsider, full);
  const restated = show(1, 700);
  const corrected = call("true-up", [Cl.uint(1), Cl.list(restated)], net.outsider, full);
  net.expectOk(net.submitVoid({ window: first, revision: 2 }));
  const excused = call("excuse-void", uints(3, first));
  const waived = [seller, buyer].map((who) => call("waive-true-up", uints(1), who)).at(-1);
  const claimed = [seller, buyer].map((who) => call("claim", uints(1), who)).at(0);
  const fees = call("withdraw-fees", [...uints(STX, 1), Cl.principal(net.outsider)], net.deployer);
  return [settled, batch, corrected, excused, waived, claimed, fees];
}
