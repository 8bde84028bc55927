// What a whole settlement window costs, from its attestation until people are paid for it:
// zones of a hundred meters, a committee of thirteen, and in each zone one who produces and
// sells, and one who was in a demand-response event that ends with the window.
// Knows how to set that up; knows nothing of tables.

import { Cl } from "@stacks/transactions";
import { enrolMeter, producing, proofOf, registerProducer, registerUser } from "./attested.mjs";
import { slots } from "./committee.mjs";
import { leafHashes, leafOf } from "./entries.mjs";
import { WINDOW_S } from "./network.mjs";
import { saturday } from "./response-costs.mjs";

export const ZONES = [1, 10, 100];
export const LEAVES = 100;
export const MEMBERS = 13;
/** So many windows are counted by one `count-participation`. */
export const COUNTED = 24;
export const BASELINE_DAYS = 5;
/** In so many zones people really claim. A claim costs the same in every zone: the rest is counted by it. */
export const CLAIMING = 10;

export const ORACLE = "oracle";
export const CLAIMANTS = "claimants";

const CLOSE_S = 14_400;
const DAY_S = 86_400;
const SOLD_WH = 500;
const PRICE = 200_000;
const PROMISED_WH = 1000;
const STAKE_USTX = 100_000;
const REWARD_USTX = 1_000_000;
/** Meters that nobody claims for have these numbers and above. */
const OTHERS = 1_000_000;

const uints = (...numbers) => numbers.map((n) => Cl.uint(n));

/**
 * For each of ZONES the calls of a window: {zones, calls: [{name, payer, count, per, costs}]}, where
 * `costs` is what `costsOf` makes of an outcome, summed over the `count` calls. A call that serves
 * `per` windows counts with its share, rounded up.
 */
export async function measureWindows(costsOf) {
  const measured = [];
  for (const zones of ZONES) measured.push({ zones, calls: await measureWindow(zones, costsOf) });
  return measured;
}

async function measureWindow(zones, costsOf) {
  const net = await producing(MEMBERS);
  const people = settle(net, Math.min(zones, CLAIMING));
  const event = prepare(net, people);
  const counted = countable(net, event);
  const { submitted, opened, proofs } = attest(net, event.last, people, zones);
  const claims = claim(net, event, people, proofs);
  const participation = net.call("oracle-staking", "count-participation", [
    Cl.uint(net.epoch),
    Cl.list(counted.map((window) => Cl.tuple({ window: Cl.uint(window), revision: Cl.uint(0) }))),
  ]);
  const summed = ([name, payer, outcomes, per = 1]) => {
    outcomes.forEach((outcome) => net.expectOk(outcome));
    // Once for all, or once in each zone.
    const count = outcomes.length === 1 ? 1 : zones;
    const share = count / outcomes.length / per;
    return { name, payer, count, per, costs: sum(outcomes.map(costsOf), share) };
  };
  return [
    ["production-oracle submit-window", ORACLE, [submitted]],
    ["production-oracle open-zone", ORACLE, opened],
    ["oracle-staking count-participation", ORACLE, [participation], COUNTED],
    ...claims,
  ].map(summed);
}

/** In each zone a roof that is on the grid and has sold the window's delivery, and a home. */
function settle(net, zones) {
  const [seller, dweller, buyer] = net.wallets.slice(4);
  net.expectOk(net.call("grid-management", "set-operator-authorization", [Cl.principal(net.deployer), Cl.bool(true)]));
  registerProducer(net, seller);
  registerUser(net, buyer);
  const inZones = slots(zones).map((at) => {
    const roof = enrolMeter(net, seller, { zone: at + 1, capacityW: 10_000 });
    const home = enrolMeter(net, dweller, { zone: at + 1 });
    net.expectOk(net.call("grid-management", "connect-asset", uints(roof, 10_000)));
    return { zone: at + 1, roof, home };
  });
  return { seller, dweller, buyer, inZones };
}

/** Everything before the window: offers, promises, the baselines' days. The event ends with the window. */
function prepare(net, { seller, dweller, buyer, inZones }) {
  const start = saturday(net);
  const end = start + 3600;
  const [first, last] = [start - WINDOW_S, end - WINDOW_S];
  const ok = (contract, name, args, by) => net.expectOk(net.call(contract, name, args, by));
  const terms = (asset) => {
    const all = { kind: 1, "asset-kind": 1, asset, currency: 1, "energy-wh": SOLD_WH, "min-wh": 1 };
    const when = { "price-per-kwh": PRICE, "first-window": last, windows: 1, deliveries: 1, "every-s": 0 };
    return Cl.tuple(Object.fromEntries(Object.entries({ ...all, ...when }).map(([name, n]) => [name, Cl.uint(n)])));
  };
  for (const { zone, roof } of inZones) {
    ok("marketplace", "create-energy-offer", [terms(roof), Cl.none()], seller);
    ok("marketplace", "accept-energy-offer", uints(zone, SOLD_WH), buyer);
  }
  net.expectOk(net.grant(net.deployer, "utility"));
  const target = PROMISED_WH * inZones.length;
  const programme = [Cl.stringAscii("evening peak"), Cl.none(), ...uints(start, end, target, BASELINE_DAYS)];
  ok("event-manager", "create-event", [...programme, Cl.bool(false)]);
  ok("event-manager", "fund-event", uints(1, REWARD_USTX * inZones.length));
  for (const { home } of inZones) ok("commitment", "commit", uints(1, home, PROMISED_WH, STAKE_USTX), dweller);
  const { days } = net.view("commitment", "get-commitment", uints(1, inZones[0].home));
  const edges = days.map(Number).flatMap((day) => [first, last].map((window) => window - day * DAY_S));
  const earlier = [...edges, first].sort((a, b) => a - b);
  const shown = new Map(inZones.map(({ home }) => [home, []]));
  earlier.forEach((window, at) => {
    // A home uses twice its promise in an hour of the baseline.
    // All in one zone, which is as large as any.
    const homes = inZones.map(({ home }) => leaf(window, home, { importRegister: 2 * PROMISED_WH * at }));
    const leaves = [...homes, ...others(window, 1, LEAVES - homes.length)];
    net.attest(window, [{ zone: 1, leaves }]);
    const hashes = leafHashes(leaves);
    inZones.forEach(({ home }, index) => shown.get(home).push(proofOf(leaves, index, 1, 0, hashes).tuple));
  });
  net.passTime(start - CLOSE_S - net.now());
  ok("event-manager", "start-event", uints(1));
  net.passTime(end - net.now());
  return { first, last, earlier, shown };
}

/** The windows whose participation is counted at once: those of the event, and as many others. */
function countable(net, { earlier, last }) {
  const others = slots(COUNTED - earlier.length - 1).map((at) => last - (at + 1) * DAY_S - 12 * 3600);
  for (const window of others) net.expectOk(net.submitWindow({ window }));
  return [...earlier, ...others, last];
}

/** Attests the window over all meters of all zones; gives the outcomes, and the proofs of who claims. */
function attest(net, window, { inZones }, count) {
  const used = 2 * PROMISED_WH * 2 * BASELINE_DAYS;
  const zones = slots(count).map((at) => {
    const [zone, place] = [at + 1, inZones[at]];
    if (!place) return { zone, leaves: others(window, zone, LEAVES) };
    const roof = leaf(window, place.roof, { exportWh: SOLD_WH });
    const home = leaf(window, place.home, { importRegister: used });
    return { zone, leaves: [roof, home, ...others(window, zone, LEAVES - 2)] };
  });
  const { submitted, opened } = net.attest(window, zones);
  const proofs = zones
    .slice(0, inZones.length)
    .map(({ zone, leaves }) => [0, 1].map((at) => proofOf(leaves, at, zone)));
  return { submitted, opened, proofs };
}

function leaf(window, usagePoint, fields) {
  return leafOf({ window, usagePoint, since: window - WINDOW_S, ...fields });
}

/** Meters of a zone that nobody claims for. */
function others(window, zone, count) {
  return slots(count).map((at) => leaf(window, OTHERS + zone * LEAVES + at, { importWh: 100 + at }));
}

/** What people call to be paid, once the window is on chain. */
function claim(net, { first, last, shown }, { seller, dweller, inZones }, proofs) {
  const each = (contract, name, argsOf, by) => [
    `${contract} ${name}`,
    CLAIMANTS,
    inZones.map((place, at) => net.call(contract, name, argsOf(place, ...proofs[at]), by)),
  ];
  const once = (contract, name) => [`${contract} ${name}`, CLAIMANTS, [net.call(contract, name, uints(1))]];
  const readings = ({ home }, roof, homes) => [Cl.list([...shown.get(home), homes.tuple])];
  const calls = [
    each("energy-production-tracking", "record-energy-production", (place, roof) => roof.args, seller),
    each("payment-settlement", "settle-trade", ({ zone }, roof) => [Cl.uint(zone), Cl.list([roof.tuple])], seller),
    once("event-manager", "end-event"),
    each("commitment", "record-readings", readings, dweller),
    each("commitment", "verify-commitment", ({ home }) => uints(1, home, first, last), dweller),
    once("reward-distributor", "distribute"),
    each("reward-distributor", "claim-reward", ({ home }) => uints(1, home), dweller),
  ];
  // Until then a delivery can be corrected.
  net.passTime(Number(net.view("marketplace", "get-trade", uints(1))["final-at"]) + 1 - net.now());
  return [...calls, each("payment-settlement", "claim", ({ zone }) => uints(zone), seller)];
}

/** The sum of costs, times a share of it; what is not whole is rounded up. */
function sum(all, share) {
  const names = Object.keys(all[0]);
  const total = (name) => all.reduce((before, costs) => before + costs[name], 0);
  return Object.fromEntries(names.map((name) => [name, Math.ceil(total(name) * share)]));
}
