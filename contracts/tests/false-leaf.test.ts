// E2: a leaf that does not follow from the record it names costs every signer half its
// bond; a leaf that may follow from it, and a record that is not understood, cost nobody.

import { readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../harness/committee.mjs";
import { clarityLeaf, hash32, leafOf, leafProof } from "../harness/entries.mjs";
import { batchOf, recordHash, registerItem } from "../harness/records.mjs";
import { MIN_STAKE, Network, plain } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const DISPUTE_S = 604_800;
const WINDOW = 900_000;
const ZONE = 1;
const SAMPLES = new URL("../../tests/fixtures/formats/ocmf/records.jsonl", import.meta.url);
const keba: Buffer[] = readFileSync(SAMPLES, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))
  .filter(({ record, verdict }) => record.includes('"GS":"2"') && verdict === "valid")
  .map(({ record }) => Buffer.from(record));
/** Begins at 62500.1270 kWh, ends at 62500.1271 kWh: 62 500 127 Wh. */
const record = keba.find((bytes) => bytes.includes("62500.1270")) as Buffer;
const WH = 62_500_127;

let net: Network;
let hunter: string;
let window = WINDOW;

/** An OCMF record around some bytes of its readings. */
const ocmf = (readings: string, rest = "") =>
  Buffer.from(`OCMF|{"FV":"1.0","GS":"2","PG":"T1","RD":[${readings}]${rest}}|{"SD":"3045"}`);
const reading = (value: string | number, register = "1-b:1.8.0", unit = "kWh", more = "") =>
  `{"TM":"2026-11-21T12:00:00,000+0000 S","RV":${value},"RI":"${register}","RU":"${unit}","ST":"G"${more}}`;
/** The same, ended where `readings` ends. */
const cut = (readings: string) => Buffer.from(`OCMF|{"RD":[{${readings}`);

const args = (at: number, leaf: any, leaves: any[], index: number, shown: any) => {
  const proof = leafProof(leaves, index);
  return [Cl.uint(at), Cl.uint(0), Cl.uint(ZONE), clarityLeaf(leaf), proof.index, proof.siblings, shown];
};
const submit = (at: number, leaf: any, leaves: any[], bytes: Buffer, by = hunter) => {
  const sent = args(at, leaf, leaves, leaves.indexOf(leaf), Cl.buffer(bytes));
  return net.call("dispute-resolution", "submit-false-leaf", sent, by);
};
const submitBatch = (at: number, leaf: any, leaves: any[], batch: any) => {
  const sent = args(at, leaf, leaves, leaves.indexOf(leaf), batch);
  return net.call("dispute-resolution", "submit-false-batch-leaf", sent, hunter);
};
/** What the contract says of a leaf and a record: true is false, an error is its code. */
const judged = (bytes: Buffer, fields: any) => {
  const leaf = leafOf({ record: recordHash(bytes), ...fields });
  const said: any = plain(net.read("dispute-resolution", "judge-record", [clarityLeaf(leaf), Cl.buffer(bytes)]));
  return said.ok ?? Number(said.err);
};
const judgedBatch = (batch: any, fields: any) => {
  const leaf = leafOf({ record: digestOf(batch), ...fields });
  const said: any = plain(net.read("dispute-resolution", "judge-batch", [clarityLeaf(leaf), batch]));
  return said.ok ?? Number(said.err);
};
/** Attests a lie among true leaves, and gives both. */
function attested(fields: any, options: any = {}, said: any = {}) {
  window += 900;
  const lie = leafOf({ usagePoint: 7, window, since: window - 900, ...fields });
  const leaves = [leafOf({ window, usagePoint: 2 }), lie, leafOf({ window, usagePoint: 9 })];
  net.attest(window, [{ zone: ZONE, leaves }], said, options);
  return { lie, leaves, at: window };
}

describe("submit-false-leaf", () => {
  beforeEach(async () => {
    net = await Network.disputing(4);
    hunter = net.outsider;
  });

  it("slashes every signer, and nobody else, for a register that the real record does not show", () => {
    const { lie, leaves, at } = attested(
      { importRegister: WH + 1, importWh: 5, record: recordHash(record) },
      { signers: [0, 2, 3] },
    );
    const before = net.balance(hunter);
    const outcome = submit(at, lie, leaves, record);
    const verdict = { slashed: 1_500_000_000n, bounty: 150_000_000n, burned: 1_350_000_000n };
    expect(expectOk(outcome)).toEqual({ operators: [1n, 3n, 4n], ...verdict });
    expect(expectEvent(outcome, "attestation-judged")).toMatchObject({ window: BigInt(at), ground: 2n });
    expect(net.balance(hunter) - before).toBe(150_000_000n);
    const bonds = [1, 2, 3, 4].map((id) => net.view("oracle-staking", "get-operator", [Cl.uint(id)]));
    expect(bonds.map(({ stake, barred }) => [stake, barred])).toEqual([
      [500_000_000n, true],
      [1_000_000_000n, false],
      [500_000_000n, true],
      [500_000_000n, true],
    ]);
    expect(net.view("dispute-resolution", "get-judgement", [Cl.uint(at), Cl.uint(0)])).toMatchObject({
      ground: 2n,
      by: hunter,
    });
  });

  it("judges an attestation once, whoever comes and whatever else is false in it", () => {
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    expectOk(submit(at, lie, leaves, record));
    expectErr(submit(at, lie, leaves, record), 506);
    expectErr(submit(at, lie, leaves, record, net.wallets[0]), 506);
  });

  it("refuses a leaf that the record bears out: an honest committee is safe", () => {
    const { lie, leaves, at } = attested({ importRegister: WH, importWh: 5, record: recordHash(record) });
    expectErr(submit(at, lie, leaves, record), 514);
    expect(net.view("oracle-staking", "get-totals").slashed).toBe(0n);
  });

  it("does not let a meter that tells two stories frame the committee", () => {
    const story = ocmf(reading("62500.1271"));
    const { lie, leaves, at } = attested({ importRegister: WH, importWh: 5, record: recordHash(story) });
    expectErr(submit(at, lie, leaves, ocmf(reading("62500.9999"))), 512);
    expectErr(submit(at, lie, leaves, story), 514);
  });

  it("refuses a leaf that is not attested, in a zone that is closed, in no window or in a void", () => {
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    const other = { ...lie, importRegister: 2 };
    expectErr(submit(at, other, [leaves[0], other, leaves[2]], record), 510);
    const elsewhere = args(at, lie, leaves, 1, Cl.buffer(record));
    elsewhere[4] = Cl.uint(0);
    expectErr(net.call("dispute-resolution", "submit-false-leaf", elsewhere, hunter), 510);
    elsewhere[2] = Cl.uint(2);
    expectErr(net.call("dispute-resolution", "submit-false-leaf", elsewhere, hunter), 509);
    expectErr(submit(at + 900, lie, leaves, record), 507);
    expectOk(net.submitVoid({ window: at + 900 }));
    expectErr(submit(at + 900, lie, leaves, record), 507);
  });

  it("refuses a record that is not understood: what is in doubt is no offence", () => {
    const tariff = ocmf(reading(5, "1-0:1.8.1"));
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(tariff) });
    expectErr(submit(at, lie, leaves, tariff), 513);
  });

  it("leaves restatements alone, which carry on the leaves of others", () => {
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    net.attest(at, [{ zone: ZONE, leaves }], { revision: 1 });
    const sent = args(at, lie, leaves, 1, Cl.buffer(record));
    sent[1] = Cl.uint(1);
    expectErr(net.call("dispute-resolution", "submit-false-leaf", sent, hunter), 511);
    expectOk(submit(at, lie, leaves, record));
  });

  it("comes too late after the dispute period, and in time within it", () => {
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    net.passTime(DISPUTE_S - 1800);
    const second = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    net.passTime(2400);
    expectErr(submit(at, lie, leaves, record), 508);
    expectOk(submit(second.at, second.lie, second.leaves, record));
    const { "dispute-s": disputeS } = net.view("oracle-staking", "get-parameters");
    expect(net.view("dispute-resolution", "get-parameters")["dispute-s"]).toBe(disputeS);
    expect(disputeS).toBe(BigInt(DISPUTE_S));
  });

  it("needs its role", async () => {
    net = await Network.running(4);
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    expectErr(submit(at, lie, leaves, record), 302);
    expect(net.view("oracle-staking", "get-totals").slashed).toBe(0n);
  });

  it("slashes the committee of the attestation's epoch, after that has gone", () => {
    net.enrol(4);
    net.enrol(5);
    const { lie, leaves, at } = attested({ importRegister: 1, importWh: 1, record: recordHash(record) });
    expectOk(net.propose([3, 4, 5, 6]));
    expectOk(net.activate());
    expectOk(net.call("oracle-staking", "request-unstake", [Cl.uint(1), Cl.uint(MIN_STAKE)], net.owner(0)));
    expect(expectOk(submit(at, lie, leaves, record))).toMatchObject({
      operators: [1n, 2n, 3n],
      slashed: 1_500_000_000n,
    });
  });
});

describe("a real record of a KEBA meter", () => {
  beforeAll(async () => {
    net = await Network.running(4);
  });

  it("bears out the register it ends with and the one it begins with, and no other", () => {
    expect(keba.length).toBeGreaterThan(10);
    for (const bytes of keba) {
      const values = [...bytes.toString().matchAll(/"RV":([0-9.]+)/g)].map((found) => Number(found[1]));
      for (const value of values) {
        const importRegister = Math.floor(Number((value * 1000).toFixed(1)));
        expect(judged(bytes, { importRegister })).toBe(false);
        for (const off of [-1000, -1, 1]) {
          const wrong = importRegister + off;
          if (!values.some((other) => Math.floor(Number((other * 1000).toFixed(1))) === wrong)) {
            expect(judged(bytes, { importRegister: wrong })).toBe(true);
          }
        }
      }
    }
  });

  it("gives no energy to the other direction, whose register it does not show", () => {
    expect(judged(record, { importRegister: WH, exportRegister: 77 })).toBe(false);
    expect(judged(record, { importRegister: WH, exportRegister: 77, exportWh: 1 })).toBe(true);
  });

  it("is the record that the leaf names, byte by byte", () => {
    const bent = Buffer.from(record);
    bent[100] ^= 1;
    expect(judged(bent, { record: recordHash(record) })).toBe(512);
  });
});

describe("a record", () => {
  beforeAll(async () => {
    net = await Network.running(4);
  });
  const two = (first: string, second: string) => ocmf(`${first},${second}`);

  it.each([
    ["1", "kWh", 1000],
    ["1.5", "kWh", 1500],
    ["0.0009", "kWh", 0],
    ["2.71828182845904523536", "kWh", 2718],
    ["12345678901", "Wh", 12_345_678_901],
    ["7.99", "Wh", 7],
    ["0", "Wh", 0],
  ])("of %s %s says %i Wh", (value, unit, wh) => {
    const bytes = ocmf(reading(value, "1-b:1.8.0", unit));
    expect(judged(bytes, { importRegister: wh })).toBe(false);
    expect(judged(bytes, { importRegister: wh + 1 })).toBe(true);
  });

  it.each([
    "1-0:1.8.0",
    "1-b:1.8.e",
    "1-0:1.8.0*255",
    "1-0:1.8.0*FF",
    "01-00:01.08.00*FF",
    "01-00:B0.08.00*FF",
  ])("of %s is energy in", (register) => {
    const bytes = ocmf(reading(5, register));
    expect([5000, 5001].map((importRegister) => judged(bytes, { importRegister }))).toEqual([false, true]);
  });

  it.each([
    "1-0:2.8.0",
    "1-b:2.8.0",
    "1-b:2.8.e",
    "1-0:2.8.0*255",
    "1-0:2.8.0*FF",
    "01-00:02.08.00*FF",
    "01-00:C0.08.00*FF",
  ])("of %s is energy out", (register) => {
    const bytes = ocmf(reading(5, register));
    const said = [5000, 5001].map((exportRegister) => judged(bytes, { exportRegister, importRegister: 9 }));
    expect(said).toEqual([false, true]);
  });

  it("of both directions bears out a leaf of both, and one that lacks a direction without energy", () => {
    const bytes = two(reading(5, "1-0:1.8.0"), reading(7, "1-0:2.8.0"));
    const leaf = { importRegister: 5000, exportRegister: 7000, importWh: 3, exportWh: 4 };
    expect(judged(bytes, leaf)).toBe(false);
    expect(judged(bytes, { ...leaf, importRegister: 5001 })).toBe(true);
    expect(judged(bytes, { ...leaf, exportRegister: 7001 })).toBe(true);
    // The last reading may lack a direction: its register then stays, and gives no energy.
    expect(judged(bytes, { ...leaf, importRegister: 4000, importWh: 0 })).toBe(false);
    expect(judged(bytes, { ...leaf, exportRegister: 4000, exportWh: 0 })).toBe(false);
  });

  it.each([
    ["a backslash", ocmf(reading(5).replace("RV", "\\u0052V"))],
    ["a backslash anywhere", ocmf(reading(5), ',"ID":"a\\\\b"')],
    ["white space in a reading", ocmf(reading(5).replace('"RV":', '"RV": '))],
    ["white space before a colon", ocmf(reading(5).replace('"RV":', '"RV" :'))],
    ["another order", ocmf('{"RI":"1-b:1.8.0","RV":5,"RU":"kWh"}')],
    ["an inherited value", ocmf(`${reading(5)},{"RI":"1-b:2.8.0"}`)],
    ["an inherited unit", ocmf('{"RV":5,"RI":"1-b:1.8.0"},{"RU":"kWh"}')],
    ["another unit after", ocmf(`${reading(5)},{"RU":"Wh"}`)],
    ["an exponent", ocmf(reading("5e3"))],
    ["an exponent in the fraction", ocmf(reading("5.0001e3"))],
    ["a negative value", ocmf(reading("-5"))],
    ["a value in quotes", ocmf(reading('"  5"'))],
    ["a value without an end", ocmf('{"RI":"1-b:1.8.0","RU":"kWh","RV":5}')],
    ["a value of 31 digits", ocmf(reading("1".repeat(31)))],
    ["a tariff", ocmf(reading(5, "1-0:1.8.1"))],
    ["a session's register", ocmf(reading(5, "01-00:B2.08.00*FF"))],
    ["another quantity beside", two(reading(5), reading(230, "1-0:32.7.0"))],
    ["MWh", ocmf(reading(5, "1-b:1.8.0", "MWh"))],
    ["no reading", ocmf('{"TM":"2026-11-21T12:00:00,000+0000 S"}')],
    ["a name that is a value", ocmf(reading(5), ',"ID":"RV"')],
    ["more letters R than are read", ocmf(reading(5), `,"ID":"${"R".repeat(60)}"`)],
    ["an exponent before the fraction", ocmf(reading("5e1.0"))],
    ["a digit that is no ASCII", ocmf(reading("5\u0663"))],
    ["a register of a longer name than any", ocmf(reading(5, "01-00:01.08.00*FF-0"))],
    ["an end after the value", cut('"RV":5,')],
    ["an end in the register's name", cut('"RV":5,"RI":"1-b:1.8.0')],
    ["an end after the register's name", cut('"RV":5,"RI":"1-b:1.8.0"')],
    ["an end in the unit", cut('"RV":5,"RI":"1-b:1.8.0","RU":"kWh')],
    ["another header", Buffer.from(ocmf(reading(5)).toString().replace("OCMF", "ocmf"))],
    ["no bytes", Buffer.alloc(0)],
  ])("with %s is not understood", (_, bytes) => {
    expect(judged(bytes as Buffer, { importRegister: 1, importWh: 1 })).toBe(513);
  });

  it("may have letters R elsewhere", () => {
    const bytes = ocmf(reading(5), ',"IF":["RFID_NONE","R","RR"],"RT":"AC"');
    expect(judged(bytes, { importRegister: 5000 })).toBe(false);
    expect(judged(bytes, { importRegister: 5001 })).toBe(true);
  });
});

describe("submit-false-batch-leaf", () => {
  beforeEach(async () => {
    net = await Network.disputing(4);
    hunter = net.outsider;
  });
  const kebaItem = (usagePoint: number) => ({ usagePoint, timeS: 5, format: "ocmf", data: record });

  it("slashes for a leaf that the gateway's registers do not bear out", () => {
    const batch = batchOf([registerItem(2, window + 1800, 1, 1), registerItem(7, window + 1800, 5000, 60)]);
    const { lie, leaves, at } = attested({ importRegister: 5001, exportRegister: 60, record: digestOf(batch) });
    const outcome = submitBatch(at, lie, leaves, batch);
    expect(expectOk(outcome)).toMatchObject({ operators: [1n, 2n, 3n], slashed: 1_500_000_000n });
    expectErr(submitBatch(at, lie, leaves, batch), 506);
  });

  it("slashes for a leaf that a KEBA record in a gateway's batch does not bear out", () => {
    const batch = batchOf([kebaItem(7)]);
    const { lie, leaves, at } = attested({ importRegister: WH + 1, importWh: 1, record: digestOf(batch) });
    expectOk(submitBatch(at, lie, leaves, batch));
  });

  it("refuses what the batch bears out, another batch, and what is not attested", () => {
    const batch = batchOf([kebaItem(7)]);
    const { lie, leaves, at } = attested({ importRegister: WH, importWh: 1, record: digestOf(batch) });
    expectErr(submitBatch(at, lie, leaves, batch), 514);
    expectErr(submitBatch(at, lie, leaves, batchOf([registerItem(7, at + 900, 1, 1)])), 512);
    const telegram = batchOf([{ usagePoint: 7, timeS: 5, format: "dsmr", data: Buffer.from("/XMX5") }]);
    const unread = attested({ importRegister: 1, importWh: 1, record: digestOf(telegram) });
    expectErr(submitBatch(unread.at, unread.lie, unread.leaves, telegram), 513);
    expectErr(submitBatch(at + 9000, lie, leaves, batch), 507);
    const other = { ...lie, importRegister: 2 };
    expectErr(submitBatch(at, other, [leaves[0], other, leaves[2]], batch), 510);
  });
});

describe("a batch", () => {
  beforeAll(async () => {
    net = await Network.running(4);
  });
  const end = WINDOW + 900;
  const third = { "import-register": Cl.uint(1), "export-register": Cl.uint(1), other: Cl.uint(1) };
  const withThird = Buffer.from(Cl.serialize(Cl.tuple(third)), "hex");
  const leaf = { usagePoint: 7, importRegister: 50, exportRegister: 60, importWh: 1, exportWh: 1 };

  it("bears out a leaf with both registers of one of the meter's items in the window", () => {
    const twice = batchOf([registerItem(7, end, 50, 60), registerItem(7, end - 1, 51, 61), registerItem(8, end, 1, 1)]);
    expect(judgedBatch(twice, leaf)).toBe(false);
    expect(judgedBatch(twice, { ...leaf, importRegister: 51, exportRegister: 61 })).toBe(false);
    expect(judgedBatch(twice, { ...leaf, importRegister: 51 })).toBe(true);
    expect(judgedBatch(twice, { ...leaf, usagePoint: 8 })).toBe(true);
    expect(judgedBatch(twice, { ...leaf, importWh: 0, importRegister: 52 })).toBe(true);
  });

  it("bears out nothing of a meter that it does not speak of", () => {
    expect(judgedBatch(batchOf([registerItem(8, end, 50, 60)]), leaf)).toBe(true);
    expect(judgedBatch(batchOf([]), leaf)).toBe(true);
  });

  it("bears out no leaf of another window: an old batch is not read again", () => {
    const at = (timeS: number) => judgedBatch(batchOf([registerItem(7, timeS, 50, 60)]), leaf);
    expect([WINDOW, WINDOW + 1, end, end + 1].map(at)).toEqual([true, false, false, true]);
  });

  it("bears out what its OCMF item does, or its register item, whichever is the leaf's", () => {
    const both = batchOf([{ usagePoint: 7, timeS: 5, format: "ocmf", data: record }, registerItem(7, end, 50, 60)]);
    expect(judgedBatch(both, leaf)).toBe(false);
    expect(judgedBatch(both, { ...leaf, importRegister: WH, exportWh: 0 })).toBe(false);
    expect(judgedBatch(both, { ...leaf, importRegister: WH })).toBe(true);
  });

  it.each([
    ["another format", { format: "dsmr", data: Buffer.from("/XMX5") }],
    ["an unknown format", { format: "new", data: Buffer.alloc(3) }],
    ["an OCMF record of a tariff", { format: "ocmf", data: ocmf(reading(5, "1-0:1.8.1")) }],
    ["no registers", { format: "register", data: Buffer.from("0c00", "hex") }],
    ["registers and a third", { format: "register", data: withThird }],
    ["bytes after the registers", { format: "register", data: Buffer.concat([registerItem(7, end, 1, 1).data, Buffer.alloc(1)]) }],
  ])("with %s of the meter is not understood, and of another meter is no matter", (_, item: any) => {
    const of = (usagePoint: number) => batchOf([{ usagePoint, timeS: end, ...item }, registerItem(7, end, 50, 60)]);
    expect(judgedBatch(of(7), { ...leaf, importRegister: 1 })).toBe(513);
    expect(judgedBatch(of(8), { ...leaf, importRegister: 1 })).toBe(true);
    expect(judgedBatch(of(8), leaf)).toBe(false);
  });

  it("of another topic is not understood", () => {
    expect(judgedBatch(batchOf([registerItem(7, end, 1, 1)], { topic: "other" }), leaf)).toBe(513);
  });

  it("is the one that the leaf names", () => {
    expect(judgedBatch(batchOf([]), { ...leaf, record: hash32("another") })).toBe(512);
  });
});
