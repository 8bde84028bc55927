// Granular certificates: at most what is attested, each Wh once, transferred as SIP-013 says,
// retired with a claim that stays.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { hash32 } from "../harness/entries.mjs";
import { Network, printed, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, enrolMeter, type Proof, registerMeter } from "./attested";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const WINDOW = 900_000;
const MAX = 2n ** 128n - 1n;
const CLAIM = hash32("invoice");

let net: Network;
let owner: string;
let other: string;
let meter: number;

const NAME = "carbon-offset-integration";
const call = (name: string, args: any[], by: string) => net.call(NAME, name, args, by);
const view = (name: string, args: any[] = []) => net.view(NAME, name, args);
const uints = (...numbers: (number | bigint)[]) => numbers.map((n) => Cl.uint(n));
const produce = (who: string) =>
  net.expectOk(net.call("registration", "register-producer", [Cl.stringAscii("Roof"), Cl.uint(1), Cl.buffer(hash32("roof"))], who));
const register = (device = meter, by = owner, fields: any = {}) => {
  const all = { country: "DE", technology: "pv-rooftop", since: 800_000, configuration: 1, ...fields };
  const attributes = {
    country: Cl.stringAscii(all.country),
    technology: Cl.stringAscii(all.technology),
    "operational-since": Cl.uint(all.since),
    configuration: Cl.uint(all.configuration),
  };
  return call("register-clean-energy-producer", [Cl.uint(device), Cl.tuple(attributes)], by);
};
const attest = (exportWh: number, fields: any = {}, said: any = {}): Proof => {
  const { window = WINDOW, usagePoint = meter, ...rest } = fields;
  return attestEnergy(net, window, [{ usagePoint, exportWh, ...rest }], said).get(usagePoint)!;
};
const issue = (proof: Proof, by = net.outsider) => call("issue-carbon-credits", proof.args, by);
const give = (id: number, amount: number | bigint, to: string, by = owner) =>
  call("transfer-carbon-credits", [...uints(id, amount), Cl.principal(to)], by);
const transfer = (id: number, amount: number | bigint, from: string, to: string, by = from) =>
  call("transfer", [...uints(id, amount), Cl.principal(from), Cl.principal(to)], by);
const retire = (id: number, amount: number | bigint, by = owner, { purpose = "scope 2, October", claim = CLAIM, whom = by } = {}) =>
  call("retire-carbon-credits", [...uints(id, amount), Cl.principal(whom), Cl.stringAscii(purpose), Cl.buffer(claim)], by);
const credits = (who: string) => view("get-carbon-credits-balance", [Cl.principal(who)]);
const balance = (id: number, who: string) => view("get-balance", [Cl.uint(id), Cl.principal(who)]).ok;
const supply = (id: number) => view("get-total-supply", uints(id)).ok;
const totals = () => view("get-totals");
const isProducer = (who: string) => view("is-clean-energy-producer", [Cl.principal(who)]);

beforeEach(async () => {
  net = await Network.running(4);
  [, , , , owner, other] = net.wallets;
  meter = enrolMeter(net, owner);
  enrolMeter(net, other);
  produce(owner);
});

describe("register-clean-energy-producer", () => {
  it("lists a verified device of a clean source", () => {
    expect(isProducer(owner)).toBe(false);
    const outcome = register();
    expectOk(outcome);
    const plant = { producer: owner, country: "DE", technology: "pv-rooftop", "operational-since": 800_000n, configuration: 1n };
    expect(expectEvent(outcome, "clean-energy-producer-registered")).toMatchObject({ device: BigInt(meter), plant });
    expect(view("get-plant", uints(meter))).toEqual(plant);
    expect(isProducer(owner)).toBe(true);
    expectErr(register(), 1004);
  });

  it("is the owner's, who is a registered producer, while nothing is paused", () => {
    expectErr(register(meter, net.outsider), 1001);
    const theirs = enrolMeter(net, other);
    expectErr(register(theirs, other), 1001);
    produce(other);
    expectOk(register(theirs, other));
    const relay = net.deploy(
      "relay",
      `(define-public (go) (contract-call? '${net.deployer}.${NAME} register-clean-energy-producer u${meter}
         { country: "DE", technology: "pv", operational-since: u1, configuration: u1 }))`,
    );
    expectErr(net.callAny(relay, "go", [], owner), 1001);
    net.expectOk(net.call("roles", "pause", []));
    expectErr(register(), 1000);
  });

  it("takes meters of solar, wind, water, biomass and the earth's heat, verified", () => {
    expectErr(register(99), 1002);
    expectErr(register(registerMeter(net, owner)), 1002);
    expectErr(register(enrolMeter(net, owner, { kind: 2 })), 1002);
    for (const source of [0, 6, 7, 8]) expectErr(register(enrolMeter(net, owner, { source })), 1002);
    for (const source of [1, 2, 3, 4, 5]) expectOk(register(enrolMeter(net, owner, { source })));
  });

  it("takes a country, a technology, a past and a configuration", () => {
    const wrong = [{ country: "D" }, { country: "" }, { technology: "" }, { since: MAX }, { configuration: 0 }, { configuration: 4 }];
    for (const fields of wrong) expectErr(register(meter, owner, fields), 1003);
    expectOk(register(meter, owner, { since: 0, configuration: 3 }));
  });

  it("is anew for a new owner, who takes the plant over", () => {
    produce(other);
    expectOk(register());
    net.expectOk(net.call("registration", "transfer-ownership", [Cl.uint(meter), Cl.principal(other)], owner));
    expectErr(issue(attest(100)), 1005);
    expectOk(register(meter, other));
    expect([isProducer(owner), isProducer(other)]).toEqual([false, true]);
    expectOk(issue(attest(100, { window: WINDOW + WINDOW_S })));
    expect(credits(other)).toBe(100n);
  });
});

describe("issue-carbon-credits", () => {
  it("certifies a proven leaf for the device's owner, with EnergyTag's attributes", () => {
    expectOk(register());
    const outcome = issue(attest(250, { assurance: 2, quality: 11 }));
    expect(expectOk(outcome)).toEqual({ "token-id": 1n, issued: 250n });
    const { entry, issued } = expectEvent(outcome, "carbon-credits-issued");
    expect(issued).toBe(250n);
    expect(entry).toEqual({
      device: BigInt(meter),
      window: BigInt(WINDOW),
      revision: 0n,
      producer: owner,
      start: BigInt(WINDOW),
      end: BigInt(WINDOW + WINDOW_S),
      wh: 250n,
      source: 1n,
      "capacity-w": 5000n,
      country: "DE",
      technology: "pv-rooftop",
      "operational-since": 800_000n,
      configuration: 1n,
      quality: 11n,
      assurance: 2n,
      "carbon-g-per-kwh": 400n,
      "issued-at": entry["issued-at"],
    });
    expect(view("get-certificate", uints(1))).toEqual(entry);
    expect(view("get-certificate-of", uints(meter, WINDOW))).toBe(1n);
    expect(view("get-certificate-count")).toBe(1n);
    expect([credits(owner), balance(1, owner), supply(1)]).toEqual([250n, 250n, 250n]);
    expect(totals()).toEqual({ issued: 250n, counted: 250n, owed: 0n, retired: 0n, supply: 250n });
    expect(printed(outcome)).toContainEqual({ type: "sft_mint", "token-id": 1n, amount: 250n, recipient: owner });
    expect(view("get-carbon-g", uints(1, 250))).toBe(100n);
    expect(view("get-carbon-g", uints(1, 2))).toBe(0n);
    expect(view("get-carbon-g", uints(9, 250))).toBe(0n);
  });

  it("certifies a leaf once", () => {
    expectOk(register());
    const proof = attest(250);
    expectOk(issue(proof));
    expectErr(issue(proof, owner), 1009);
    expect(credits(owner)).toBe(250n);
  });

  it("takes registered devices only, and their owner's", () => {
    const proof = attest(250);
    expectErr(issue(proof, owner), 1005);
    expectOk(register());
    net.expectOk(net.call("roles", "pause", []));
    expectErr(issue(proof), 1000);
    net.expectOk(net.call("roles", "unpause", []));
    expectOk(issue(proof));
  });

  it("takes energy, of an hour at most, that is neither estimated nor questionable", () => {
    expectOk(register());
    let window = WINDOW;
    const next = (wh: number, fields: any = {}) => {
      window += 7200;
      return issue(attest(wh, { window, since: window - 900, ...fields }));
    };
    expectErr(next(0), 1006);
    expectErr(next(1_000_000_000_000_001), 1006);
    for (const quality of [8, 9, 10, 12, 14, 16]) expectErr(next(1, { quality }), 1008);
    expectErr(next(1, { since: WINDOW }), 1007);
    window += 7200;
    expectErr(issue(attest(1, { window, since: window })), 1007);
    window += 7200;
    expectErr(issue(attest(1, { window, since: window - 4500 })), 1007);
    window += 7200;
    expectOk(issue(attest(1, { window, since: window - 3600 })));
    const { start, end } = view("get-certificate", uints(1));
    expect(end - start).toBe(3600n);
    expectOk(next(1_000_000_000_000_000));
  });

  it("takes no more than twelve windows, where windows are short", async () => {
    net = await Network.deployed();
    net.initialise(60);
    net.propose([0, 1, 2, 3].map((seed) => net.enrol(seed)));
    net.expectOk(net.activate());
    meter = enrolMeter(net, owner);
    produce(owner);
    expectOk(register());
    expectErr(issue(attest(5, { since: WINDOW - 13 * 60 })), 1007);
    expectOk(issue(attest(5, { window: WINDOW + 3600, since: WINDOW + 3600 - 12 * 60 })));
    const first = WINDOW + 3600 - 11 * 60;
    expect([first - 60, first].map((window) => view("get-window-certificate", uints(meter, window)))).toEqual([null, 1n]);
  });

  it("takes what verification-engine proves, and nothing else", () => {
    expectOk(register());
    const proof = attest(250);
    const leaf = Cl.tuple({ ...(proof.args[2] as any).value, "export-wh": Cl.uint(251) });
    const args = proof.args.map((arg, at) => (at === 2 ? leaf : arg));
    expectErr(call("issue-carbon-credits", args, owner), 605);
    attest(240, {}, { revision: 1 });
    expectErr(issue(proof), 602);
  });

  it("counts what a restatement adds, and lets the device pay what it takes away", () => {
    expectOk(register());
    expectOk(issue(attest(250)));
    const more = issue(attest(300, {}, { revision: 1 }));
    expect(expectOk(more)).toEqual({ "token-id": 1n, issued: 50n });
    expect(expectEvent(more, "carbon-credits-restated")).toMatchObject({ "token-id": 1n, issued: 50n, owed: 0n });
    expect(supply(1)).toBe(300n);
    const less = attest(180, {}, { revision: 2 });
    expectOk(issue(less));
    expectErr(issue(less), 1009);
    expect([supply(1), view("get-owed", uints(meter))]).toEqual([300n, 120n]);
    expect(totals()).toEqual({ issued: 300n, counted: 180n, owed: 120n, retired: 0n, supply: 300n });
    expect(view("get-certificate", uints(1))).toMatchObject({ wh: 180n, revision: 2n });
    expect(expectOk(issue(attest(100, { window: WINDOW + 900 })))).toEqual({ "token-id": 2n, issued: 0n });
    expect(expectOk(issue(attest(100, { window: WINDOW + 1800 })))).toEqual({ "token-id": 3n, issued: 80n });
    expect(totals()).toEqual({ issued: 380n, counted: 380n, owed: 0n, retired: 0n, supply: 380n });
  });

  it("certifies no time twice: a late leaf waits until the leaf after it is issued as restated", () => {
    expectOk(register());
    const last = WINDOW + 2 * WINDOW_S;
    expectOk(issue(attest(250, { window: last, since: WINDOW })));
    const holder = (window: number) => view("get-window-certificate", uints(meter, window));
    expect([WINDOW, WINDOW + WINDOW_S, last].map(holder)).toEqual([null, 1n, 1n]);
    const late = attest(100, { window: WINDOW + WINDOW_S });
    expectErr(issue(late), 1012);
    expectOk(issue(attest(150, { window: last, since: WINDOW + WINDOW_S }, { revision: 1 })));
    expect([holder(WINDOW + WINDOW_S), view("get-owed", uints(meter))]).toEqual([null, 100n]);
    expect(view("get-certificate", uints(1))).toMatchObject({ start: BigInt(last), wh: 150n });
    expect(expectOk(issue(late))).toEqual({ "token-id": 2n, issued: 0n });
    expect(totals()).toEqual({ issued: 250n, counted: 250n, owed: 0n, retired: 0n, supply: 250n });
    expectErr(issue(attest(250, { window: last, since: WINDOW }, { revision: 2 })), 1012);
    expectOk(issue(attest(0, { window: WINDOW + WINDOW_S }, { revision: 1 })));
    expectOk(issue(attest(250, { window: last, since: WINDOW }, { revision: 3 })));
    expect(totals()).toMatchObject({ issued: 250n, counted: 250n, owed: 0n });
  });

  it("takes back what a restatement calls an estimate", () => {
    expectOk(register());
    expectOk(issue(attest(250)));
    expectOk(issue(attest(250, { quality: 8 }, { revision: 1 })));
    expect(view("get-owed", uints(meter))).toBe(250n);
    expectOk(issue(attest(250, {}, { revision: 2 })));
    expect(totals()).toEqual({ issued: 250n, counted: 250n, owed: 0n, retired: 0n, supply: 250n });
  });
});

describe("transfer", () => {
  beforeEach(() => {
    expectOk(register());
    expectOk(issue(attest(250)));
    expectOk(issue(attest(40, { window: WINDOW + WINDOW_S })));
  });

  it("moves units of one certificate, and says so as SIP-013 does", () => {
    const outcome = transfer(1, 100, owner, other);
    expectOk(outcome);
    expect(printed(outcome)).toEqual([{ type: "sft_transfer", "token-id": 1n, amount: 100n, sender: owner, recipient: other }]);
    expect([balance(1, owner), balance(1, other), balance(2, owner), balance(2, other)]).toEqual([150n, 100n, 40n, 0n]);
    expect([credits(owner), credits(other), supply(1), supply(2)]).toEqual([190n, 100n, 250n, 40n]);
    expect(view("get-overall-balance", [Cl.principal(other)]).ok).toBe(100n);
    expect(view("get-overall-supply").ok).toBe(290n);
    expectOk(give(1, 150, other));
    expect(balance(1, owner)).toBe(0n);
  });

  it("shows a wallet's post-conditions which certificate and how much moves", () => {
    const { events } = transfer(1, 100, owner, other);
    const kinds = events.map(({ event }: any) => event);
    expect(kinds).toEqual(["ft_transfer_event", "nft_burn_event", "nft_mint_event", "nft_mint_event", "print_event"]);
    expect(events[0].data).toMatchObject({ amount: "100", sender: owner, recipient: other });
  });

  it("refuses with SIP-013's codes, at 0, above the balance and at the greatest number", () => {
    for (const amount of [251, MAX]) {
      expectErr(transfer(1, amount, owner, other), 1);
      expectErr(give(1, amount, other), 1);
    }
    expectErr(transfer(3, 1, owner, other), 1);
    expectErr(transfer(1, 1, owner, owner), 2);
    expectErr(transfer(1, 0, owner, other), 3);
    expectErr(transfer(1, 1, owner, other, net.outsider), 4);
    expectErr(give(1, 1, other, net.outsider), 1);
    expectErr(transfer(1, 1, owner, `${net.deployer}.${NAME}`), 1011);
    net.expectOk(net.call("roles", "pause", []));
    expectOk(transfer(1, 1, owner, other));
  });

  it("may be asked for by a contract for what it holds, and for its user", () => {
    const relay = net.deploy(
      "relay",
      `(define-public (take (amount uint)) (contract-call? '${net.deployer}.${NAME} transfer u1 amount tx-sender current-contract))
       (define-public (back (to principal)) (contract-call? '${net.deployer}.${NAME} transfer-carbon-credits u1 u5 to))
       (define-public (steal) (contract-call? '${net.deployer}.${NAME} transfer-carbon-credits u1 u5 current-contract))`,
    );
    expectOk(net.callAny(relay, "take", uints(5), owner));
    expect(balance(1, relay)).toBe(5n);
    expectErr(net.callAny(relay, "steal", [], other), 2);
    expectOk(net.callAny(relay, "back", [Cl.principal(other)], net.outsider));
    expect(balance(1, other)).toBe(5n);
  });

  it("carries a memo, last of its events", () => {
    const memo = Cl.buffer(Buffer.from("thanks"));
    const outcome = call("transfer-memo", [...uints(1, 5), Cl.principal(owner), Cl.principal(other), memo], owner);
    expectOk(outcome);
    expect(printed(outcome).at(-1)).toBe(`0x${Buffer.from("thanks").toString("hex")}`);
    expectErr(call("transfer-memo", [...uints(1, 5), Cl.principal(owner), Cl.principal(other), memo], other), 4);
  });

  it("of many is of all or of none", () => {
    const item = (id: number, amount: number, memo?: string) =>
      Cl.tuple({
        "token-id": Cl.uint(id),
        amount: Cl.uint(amount),
        sender: Cl.principal(owner),
        recipient: Cl.principal(other),
        ...(memo ? { memo: Cl.buffer(Buffer.from(memo)) } : {}),
      });
    expectErr(call("transfer-many", [Cl.list([item(1, 10), item(2, 41)])], owner), 1);
    expectErr(call("transfer-many", [Cl.list([item(2, 41), item(1, 10)])], owner), 1);
    expectErr(call("transfer-many-memo", [Cl.list([item(2, 0, "a"), item(1, 10, "b")])], owner), 3);
    expect(credits(other)).toBe(0n);
    expectOk(call("transfer-many", [Cl.list([item(1, 10), item(2, 20)])], owner));
    expectErr(call("transfer-many-memo", [Cl.list([item(1, 10, "a"), item(1, 0, "b")])], owner), 3);
    expectOk(call("transfer-many-memo", [Cl.list([item(1, 10, "a"), item(2, 20, "b")])], owner));
    expect([balance(1, other), balance(2, other), balance(2, owner)]).toEqual([20n, 40n, 0n]);
    expectErr(call("transfer-many", [Cl.list([item(1, 1)])], net.outsider), 4);
    expectOk(call("transfer-many", [Cl.list(Array.from({ length: 200 }, () => item(1, 1)))], owner));
    expect(balance(1, other)).toBe(220n);
  });

  it("tells wallets what it is", () => {
    expect([view("get-decimals", uints(1)).ok, view("get-token-uri", uints(1)).ok]).toEqual([3n, null]);
    const traits = net.deploy(
      "wallet",
      `(use-trait sft '${net.deployer}.traits-sip013.sip013-semi-fungible-token-trait)
       (use-trait many '${net.deployer}.traits-sip013.sip013-transfer-many-trait)
       (define-public (see (token <sft>)) (contract-call? token get-overall-supply))
       (define-public (send (token <many>)) (contract-call? token transfer-many (list)))`,
    );
    const token = Cl.principal(`${net.deployer}.${NAME}`);
    expect(expectOk(net.callAny(traits, "see", [token], other))).toBe(290n);
    expectOk(net.callAny(traits, "send", [token], other));
  });
});

describe("retire-carbon-credits", () => {
  beforeEach(() => {
    expectOk(register());
    expectOk(issue(attest(2500)));
  });

  it("uses units up for a claim that stays", () => {
    expectOk(give(1, 1000, other));
    const outcome = retire(1, 999, other, { whom: owner });
    expect(expectOk(outcome)).toBe(1n);
    const { entry } = expectEvent(outcome, "carbon-credits-retired");
    expect(entry).toEqual({
      "token-id": 1n,
      holder: other,
      beneficiary: owner,
      wh: 999n,
      "carbon-g": 399n,
      purpose: "scope 2, October",
      claim: `0x${Buffer.from(CLAIM).toString("hex")}`,
      "retired-at": entry["retired-at"],
    });
    expect(view("get-retirement", uints(1))).toEqual(entry);
    expect(view("get-retirement-count")).toBe(1n);
    expect(printed(outcome)).toContainEqual({ type: "sft_burn", "token-id": 1n, amount: 999n, sender: other });
    expect([balance(1, other), supply(1)]).toEqual([1n, 1501n]);
    expect(totals()).toEqual({ issued: 2500n, counted: 2500n, owed: 0n, retired: 999n, supply: 1501n });
  });

  it("takes the holder's own, above nothing, with a purpose and evidence, paused or not", () => {
    expectErr(retire(1, 1, net.outsider), 1);
    expectErr(retire(1, 0), 3);
    for (const amount of [2501n, MAX]) expectErr(retire(1, amount), 1);
    expectErr(retire(2, 1), 1);
    expectErr(retire(1, 1, owner, { purpose: "" }), 1010);
    expectErr(retire(1, 1, owner, { claim: CLAIM.slice(1) }), 1010);
    net.expectOk(net.call("roles", "pause", []));
    expectOk(retire(1, 2500));
    expectErr(retire(1, 1), 1);
    expect(supply(1)).toBe(0n);
  });

  it("stays retired when the energy is restated: the device owes it", () => {
    expectOk(retire(1, 2500));
    expectOk(issue(attest(2400, {}, { revision: 1 })));
    expect(totals()).toEqual({ issued: 2500n, counted: 2400n, owed: 100n, retired: 2500n, supply: 0n });
    expectOk(issue(attest(2500, {}, { revision: 2 })));
    expect([supply(1), view("get-owed", uints(meter))]).toEqual([0n, 0n]);
  });
});
