// E3: energy that is no difference of attested registers, and totals that are not those of
// what they are over, cost every signer half its bond; true ones cost nobody.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { clarityLeaf, leafOf, leafProof } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const FIRST = 900_000;
const SECOND = FIRST + 900;
const ZONE = 1;
const DISPUTE_S = 604_800;
const NONE = { zone: 0, proven: Cl.none() };

let net: Network;
let hunter: string;

const call = (name: string, args: any[], by = hunter) => net.call("dispute-resolution", name, args, by);
const uints = (...numbers: number[]) => numbers.map((n) => Cl.uint(n));
const slashed = () => net.view("oracle-staking", "get-totals").slashed;

const submitEnergy = (window: number, leaf: any, leaves: any[], since = NONE, revision = 0) => {
  const { index, siblings } = leafProof(leaves, leaves.indexOf(leaf));
  return call("submit-false-energy", [
    ...uints(window, revision, ZONE),
    clarityLeaf(leaf),
    index,
    siblings,
    Cl.uint(since.zone),
    since.proven as any,
  ]);
};
const earlier = (leaf: any, leaves: any[], zone = ZONE) => ({
  zone,
  proven: Cl.some(Cl.tuple({ leaf: clarityLeaf(leaf), ...leafProof(leaves, leaves.indexOf(leaf)) })),
});
const other = (fields: any) => leafOf({ usagePoint: 9, ...fields });

/** Attests what a meter had before and what is said of it now; gives the call to accuse it. */
function story(before: any, after: any) {
  const was = leafOf({ usagePoint: 7, window: FIRST, ...before });
  const is = leafOf({ usagePoint: 7, window: SECOND, since: FIRST, ...after });
  const first = [was, other({ window: FIRST })];
  const second = [is, other({ window: SECOND }), other({ usagePoint: 11, window: SECOND })];
  net.attest(FIRST, [{ zone: ZONE, leaves: first }]);
  net.attest(SECOND, [{ zone: ZONE, leaves: second }]);
  const accuse = (since = earlier(was, first)) => submitEnergy(SECOND, is, second, since);
  return { was, is, first, second, accuse };
}

beforeEach(async () => {
  net = await Network.disputing(4);
  hunter = net.outsider;
});

describe("submit-false-energy", () => {
  it("slashes every signer for energy that the registers do not tell, once", () => {
    const told = story({ importRegister: 5000 }, { importRegister: 5400, importWh: 401 });
    const outcome = told.accuse();
    expect(expectOk(outcome)).toEqual({
      operators: [1n, 2n, 3n],
      slashed: 1_500_000_000n,
      bounty: 150_000_000n,
      burned: 1_350_000_000n,
    });
    expect(expectEvent(outcome, "attestation-judged").ground).toBe(3n);
    expectErr(told.accuse(), 506);
    expect(net.view("dispute-resolution", "get-judgement", uints(SECOND, 0)).ground).toBe(3n);
    expect(net.view("dispute-resolution", "get-judgement", uints(FIRST, 0))).toBe(null);
  });

  it.each([
    ["the difference", { importRegister: 5400, importWh: 400 }, false],
    ["no energy where nothing rose", { importRegister: 5000 }, false],
    ["less than the difference", { importRegister: 5400, importWh: 399 }, true],
    ["energy of a register that stood still", { importRegister: 5000, importWh: 1 }, true],
    ["energy out without a register", { importRegister: 5400, importWh: 400, exportWh: 1 }, true],
    ["the difference of the other direction", { importRegister: 5400, importWh: 400, exportRegister: 3, exportWh: 3 }, false],
    // A register that fell has rolled over at a maximum that only its record tells.
    ["as much as a register shows that rolled over", { importRegister: 40, importWh: 40 }, false],
    ["more than that", { importRegister: 40, importWh: 5000 }, false],
    ["less than a register shows that rolled over", { importRegister: 40, importWh: 39 }, true],
    ["as much as the largest maximum leaves", { importRegister: 40, importWh: 999_999_999_995_040 }, false],
    ["more than any maximum leaves", { importRegister: 40, importWh: 999_999_999_995_041 }, true],
  ])("judges %s", (_, after, isFalse) => {
    const outcome = story({ importRegister: 5000 }, after).accuse();
    if (isFalse) expectOk(outcome);
    else expectErr(outcome, 514);
    expect(slashed() > 0n).toBe(isFalse);
  });

  it.each([
    ["no energy in its first window", { since: FIRST }, false],
    ["energy in its first window", { since: FIRST, importWh: 1 }, true],
    ["energy out in its first window", { since: FIRST, exportWh: 1 }, true],
    ["a beginning after its window", { since: SECOND }, true],
    ["another window", { window: SECOND, since: FIRST }, true],
  ])("judges a leaf of %s without another leaf", (_, fields, isFalse) => {
    const leaf = leafOf({ usagePoint: 7, window: FIRST, ...fields });
    const leaves = [leaf, other({})];
    net.attest(FIRST, [{ zone: ZONE, leaves }]);
    const outcome = submitEnergy(FIRST, leaf, leaves);
    if (isFalse) expectOk(outcome);
    else expectErr(outcome, 514);
  });

  it("needs the leaf at since, of the same meter, and attested", () => {
    const { was, first, second, accuse } = story({}, { importRegister: 5400, importWh: 1 });
    expectErr(accuse(NONE), 515);
    expectErr(accuse(earlier(first[1], first)), 515);
    expectErr(accuse(earlier(second[0], second)), 515);
    const forged = { ...was, importRegister: 5399 };
    expectErr(accuse(earlier(forged, [forged, first[1]])), 510);
    expectErr(accuse(earlier(was, first, 2)), 509);
    expectOk(accuse());
  });

  it("finds the earlier leaf in another zone: a meter may have moved", () => {
    const was = leafOf({ usagePoint: 7, window: FIRST });
    const leaves = [was, other({ window: FIRST })];
    net.attest(FIRST, [{ zone: 3, leaves }]);
    const is = leafOf({ usagePoint: 7, window: SECOND, since: FIRST, importWh: 8 });
    net.attest(SECOND, [{ zone: ZONE, leaves: [is] }]);
    expectOk(submitEnergy(SECOND, is, [is], earlier(was, leaves, 3)));
  });

  it("refuses what is not attested, not proven, of a restatement, or too old", () => {
    const { is, first, was, second, accuse } = story({}, { importRegister: 5400, importWh: 1 });
    const since = earlier(was, first);
    expectErr(submitEnergy(SECOND + 900, is, second, since), 507);
    const forged = { ...is, importWh: 2 };
    expectErr(submitEnergy(SECOND, forged, [forged, ...second.slice(1)], since), 510);
    net.attest(SECOND, [{ zone: ZONE, leaves: second }], { revision: 1 });
    expectErr(submitEnergy(SECOND, is, second, since, 1), 511);
    net.passTime(DISPUTE_S + 1200);
    expectErr(accuse(), 508);
  });
});

describe("a zone's total", () => {
  const WINDOW = 1_800_000;
  const leavesOf = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      leafOf({ usagePoint: n + 1, window: WINDOW, since: WINDOW - 900, importWh: 10 + n, exportWh: n }),
    );
  const tally = (leaves: any[], from: number, to: number, revision = 0) => {
    const next = leaves.slice(from, to).map((leaf, at) => {
      const { siblings } = leafProof(leaves, from + at);
      return Cl.tuple({ leaf: clarityLeaf(leaf), siblings });
    });
    return call("tally-zone", [...uints(WINDOW, revision, ZONE), Cl.list(next)], net.wallets[0]);
  };
  const accuse = (revision = 0) => call("submit-false-zone", uints(WINDOW, revision, ZONE));

  it("is added up in as many calls as it takes, by anyone, and slashes if it is another", () => {
    const leaves = leavesOf(30);
    net.attest(WINDOW, [{ zone: ZONE, leaves, importWh: 736 }]);
    expectErr(accuse(), 517);
    const outcome = tally(leaves, 0, 25);
    expect(expectOk(outcome)).toBe(25n);
    expect(expectEvent(outcome, "zone-tallied")).toMatchObject({ "import-wh": 550n, "export-wh": 300n });
    expectErr(accuse(), 517);
    expect(expectOk(tally(leaves, 25, 30))).toBe(30n);
    expect(net.view("dispute-resolution", "get-tally", uints(WINDOW, 0, ZONE))).toEqual({
      counted: 30n,
      "import-wh": 735n,
      "export-wh": 435n,
    });
    expect(expectOk(accuse()).slashed).toBe(1_500_000_000n);
    expectErr(accuse(), 506);
  });

  it("that is right costs nobody", () => {
    const leaves = leavesOf(5);
    net.attest(WINDOW, [{ zone: ZONE, leaves }]);
    expectOk(tally(leaves, 0, 5));
    expectErr(accuse(), 514);
    expect(slashed()).toBe(0n);
  });

  it("of energy out is judged as well, and a restatement's as the first's", () => {
    const leaves = leavesOf(5);
    net.attest(WINDOW, [{ zone: ZONE, leaves }]);
    net.attest(WINDOW, [{ zone: ZONE, leaves, exportWh: 9 }], { revision: 1 });
    expectOk(tally(leaves, 0, 5, 1));
    expectErr(accuse(), 517);
    expectOk(accuse(1));
  });

  it("takes only the next leaves, proven, and no more than there are", () => {
    const leaves = leavesOf(5);
    net.attest(WINDOW, [{ zone: ZONE, leaves }]);
    expectErr(tally(leaves, 1, 3), 510);
    expectErr(tally(leaves, 0, 0), 517);
    expectOk(tally(leaves, 0, 3));
    expectErr(tally(leaves, 0, 2), 510);
    expectErr(tally(leaves, 2, 3), 510);
    expectErr(tally([...leaves, leaves[4]], 3, 6), 517);
    const forged = leaves.map((leaf) => ({ ...leaf, importWh: 1 }));
    expectErr(tally(forged, 3, 5), 510);
    expect(expectOk(tally(leaves, 3, 5))).toBe(5n);
    expectErr(tally(leaves, 4, 5), 517);
  });

  it("is that of an open zone of an attested window", () => {
    const leaves = leavesOf(2);
    expectErr(tally(leaves, 0, 2), 509);
    expectErr(accuse(), 507);
    expectOk(net.submitWindow({ window: WINDOW }));
    expectErr(accuse(), 509);
    net.passTime(DISPUTE_S + 1200);
    expectErr(accuse(), 508);
  });
});

describe("a window's total", () => {
  const WINDOW = 1_800_000;
  const zones = [3, 5, 8].map((zone) => ({
    zone,
    leaves: [leafOf({ usagePoint: zone, window: WINDOW, importWh: zone, exportWh: 2 * zone })],
  }));
  const accuse = (ids: number[], revision = 0) =>
    call("submit-false-window", [...uints(WINDOW, revision), Cl.list(uints(...ids))]);

  it.each([{ importWh: 17 }, { exportWh: 31 }, { leafCount: 4 }])("of %o is not that of its zones", (said) => {
    net.attest(WINDOW, zones, said);
    expect(expectOk(accuse([3, 5, 8])).slashed).toBe(1_500_000_000n);
    expectErr(accuse([3, 5, 8]), 506);
  });

  it("that is right costs nobody", () => {
    net.attest(WINDOW, zones);
    expectErr(accuse([3, 5, 8]), 514);
    expect(slashed()).toBe(0n);
  });

  it("is judged over all zones, each once and open", () => {
    net.attest(WINDOW, zones, { importWh: 17 });
    expectErr(accuse([3, 5]), 516);
    expectErr(accuse([3, 5, 5]), 516);
    expectErr(accuse([3, 8, 5]), 516);
    expectErr(accuse([3, 5, 9]), 509);
    expectErr(accuse([9, 5, 8]), 509);
    expectErr(accuse([3, 5, 8], 1), 507);
  });

  it("is judged within the dispute period", () => {
    net.attest(WINDOW, zones, { importWh: 17 });
    net.passTime(DISPUTE_S + 1200);
    expectErr(accuse([3, 5, 8]), 508);
  });
});
