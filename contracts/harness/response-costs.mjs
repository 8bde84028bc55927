// What the calls of governance, demand response and certificates cost, at their realistic
// worst: baselines of ten adjusted days, proofs in zones of 2^20. Knows nothing of tables.

import { Cl } from "@stacks/transactions";
import { attestDeep, attestEnergy, enrolMeter, producing, registerProducer, ZONE } from "./attested.mjs";
import { slots } from "./committee.mjs";
import { clarityLeaf, hash32, leafOf } from "./entries.mjs";
import { Network, WINDOW_S } from "./network.mjs";

const DAY_S = 86_400;
const CLOSE_S = 14_400;
const DAYS = 10;
const uints = (...numbers) => numbers.map((n) => Cl.uint(n));

/** The rows, each made by `row` of a name and an outcome. */
export async function response(row) {
  return [...(await governance(row)), ...(await events(row)), ...(await certificates(row))];
}

async function governance(row) {
  const net = await Network.deployed();
  const call = (name, args, by = net.outsider) => row(`governance ${name}`, net.call("governance", name, args, by));
  const voter = net.wallets[0];
  net.expectOk(net.grant(net.deployer, "reward-minter"));
  net.expectOk(net.grant(`${net.deployer}.governance`, "governance"));
  net.expectOk(net.call("reward-token", "mint", [Cl.uint(10n ** 12n), Cl.principal(voter)]));
  net.expectOk(net.call("reward-token", "lock", uints(10n ** 12n), voter));
  const change = Cl.tuple({ name: Cl.stringAscii("grid-carbon-g-per-kwh"), value: Cl.uint(350) });
  const changes = Cl.list(slots(8).map(() => change));
  const propose = () => call("propose", [changes, Cl.buffer(hash32("reason"))], voter);
  const proposed = [propose(), propose()][0];
  const voted = call("vote", [Cl.uint(1), Cl.bool(true)], voter);
  net.passTime(259_201);
  const queued = call("queue", uints(1));
  net.passTime(172_800);
  const executed = call("execute", uints(1));
  propose();
  return [proposed, voted, queued, executed, call("veto", uints(3), net.deployer)];
}

/** Noon of a Saturday that an event can be announced for: a weekend's baseline reaches furthest back. */
export function saturday(net) {
  const day = Math.ceil((net.now() + 2 * CLOSE_S) / DAY_S);
  return (day + ((9 - (day % 7)) % 7)) * DAY_S + DAY_S / 2;
}

/** The same hour of each day of the baseline, the hours that adjust it, and the event's own. */
function edges(start, end, days) {
  return [0, ...days].flatMap((day) =>
    [start - CLOSE_S, start - 3600, start, end].map((time) => time - WINDOW_S - day * DAY_S),
  );
}

async function events(row) {
  const net = await Network.running(31);
  const [utility, owner, funder] = net.wallets.slice(4);
  net.expectOk(net.grant(utility, "utility"));
  const of = (contract) => (name, args, by = net.outsider) => row(`${contract} ${name}`, net.call(contract, name, args, by));
  const [manager, promise, distributor] = ["event-manager", "commitment", "reward-distributor"].map(of);
  const meter = enrolMeter(net, owner);
  const start = saturday(net);
  const end = start + 3600;
  const programme = Cl.stringAscii("x".repeat(32));
  const create = (from = start) =>
    manager("create-event", [programme, Cl.none(), ...uints(from, from + 3600, 2000, DAYS), Cl.bool(true)], utility);
  const inWatt = [programme, Cl.none(), ...uints(start, end, 2000, DAYS), Cl.bool(true)];
  const rows = [create(), manager("fund-event", uints(1, 1_000_000), funder)];
  const commit = () => promise("commit", uints(1, meter, 1000, 100_000), owner);
  const committed = commit();
  rows.push(promise("withdraw-commitment", uints(1, meter), owner), committed);
  commit();
  create(start + DAY_S);
  rows.push(manager("cancel-event", uints(2), utility), manager("create-token-event", inWatt, utility));
  net.passTime(start - CLOSE_S - net.now());
  rows.push(manager("start-event", uints(1)));
  net.passTime(end - net.now());
  rows.push(manager("end-event", uints(1)));
  rows.push(recordReadings(net, promise, meter));
  const { days } = net.view("commitment", "get-commitment", uints(1, meter));
  edges(start, end, days.map(Number)).sort((a, b) => a - b).forEach((window, at) => {
    const leaf = { usagePoint: meter, importRegister: 10_000 + 700 * at };
    const proofs = Cl.list([attestEnergy(net, window, [leaf]).get(meter).tuple]);
    net.expectOk(net.call("commitment", "record-readings", [proofs], net.outsider));
  });
  rows.push(promise("verify-commitment", uints(1, meter, start - WINDOW_S, end - WINDOW_S)));
  rows.push(distributor("distribute", uints(1)), distributor("claim-reward", uints(1, meter)));
  rows.push(manager("claim-refund", uints(1), funder));
  return [...rows, ...(await excused(row))];
}

function recordReadings(net, promise, meter) {
  const proofs = slots(24).map((at) => {
    const window = WINDOW_S * (1000 + at);
    const leaf = leafOf({ usagePoint: meter, window, since: window - WINDOW_S, importWh: 1 });
    const parts = { revision: Cl.uint(0), zone: Cl.uint(ZONE), leaf: clarityLeaf(leaf), ...attestDeep(net, leaf) };
    return Cl.tuple(parts);
  });
  return promise("record-readings", [Cl.list(proofs)]);
}

/** A commitment whose owner shows nothing of days that were attested, and one of an outage. */
async function excused(row) {
  const net = await Network.running(4);
  const [utility, owner] = net.wallets.slice(4);
  net.expectOk(net.grant(utility, "utility"));
  const meters = [enrolMeter(net, owner), enrolMeter(net, owner)];
  const start = saturday(net);
  const end = start + 3600;
  const args = [Cl.stringAscii("x"), Cl.none(), ...uints(start, end, 2000, DAYS), Cl.bool(true)];
  net.expectOk(net.call("event-manager", "create-event", args, utility));
  net.expectOk(net.call("event-manager", "fund-event", uints(1, 1000), utility));
  for (const meter of meters) net.expectOk(net.call("commitment", "commit", uints(1, meter, 1000, 100_000), owner));
  net.passTime(start - CLOSE_S - net.now());
  net.expectOk(net.call("event-manager", "start-event", uints(1), owner));
  net.passTime(end + DAY_S - net.now());
  const { days } = net.view("commitment", "get-commitment", uints(1, meters[0]));
  for (const window of edges(start, end, days.map(Number))) {
    const proof = attestEnergy(net, window, [{ usagePoint: meters[0], importRegister: 5 }]).get(meters[0]);
    if (window < start - WINDOW_S) continue;
    net.expectOk(net.call("commitment", "record-readings", [Cl.list([proof.tuple])], owner));
  }
  const verify = uints(1, meters[0], start - WINDOW_S, end - WINDOW_S);
  return [
    row("commitment verify-commitment (nothing shown)", net.call("commitment", "verify-commitment", verify, owner)),
    row("commitment excuse-commitment", net.call("commitment", "excuse-commitment", uints(1, meters[1], start), owner)),
  ];
}

async function certificates(row) {
  const net = await producing(31);
  const [owner, other] = net.wallets;
  const call = (name, args, by = owner) =>
    row(`carbon-offset-integration ${name}`, net.call("carbon-offset-integration", name, args, by));
  registerProducer(net, owner);
  const roof = enrolMeter(net, owner);
  const attributes = Cl.tuple({
    country: Cl.stringAscii("DE"),
    technology: Cl.stringAscii("x".repeat(32)),
    "operational-since": Cl.uint(1),
    configuration: Cl.uint(1),
  });
  const registered = call("register-clean-energy-producer", [Cl.uint(roof), attributes]);
  const window = 900_000;
  const leaf = leafOf({ usagePoint: roof, window, since: window - WINDOW_S, exportWh: 100_000 });
  const { index, siblings } = attestDeep(net, leaf);
  const issued = call("issue-carbon-credits", [Cl.uint(0), Cl.uint(ZONE), clarityLeaf(leaf), index, siblings]);
  const move = [...uints(1, 10), Cl.principal(owner), Cl.principal(other)];
  const memo = Cl.buffer(new Uint8Array(34).fill(1));
  const item = { "token-id": Cl.uint(1), amount: Cl.uint(1), sender: Cl.principal(owner), recipient: Cl.principal(other) };
  const many = (value) => [Cl.list(slots(200).map(() => Cl.tuple(value)))];
  return [
    registered,
    issued,
    call("transfer-carbon-credits", [...uints(1, 10), Cl.principal(other)]),
    call("transfer", move),
    call("transfer-memo", [...move, memo]),
    call("transfer-many", many(item)),
    call("transfer-many-memo", many({ ...item, memo })),
    call("retire-carbon-credits", [
      ...uints(1, 10),
      Cl.principal(other),
      Cl.stringAscii("x".repeat(64)),
      Cl.buffer(hash32("claim")),
    ]),
  ];
}
