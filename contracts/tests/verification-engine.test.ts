// What a proof proves: energy of a window that stands, of a device that is in the registry.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { hash32, leafOf } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";
import { recordHash } from "../harness/records.mjs";
import { attestEnergy, enrolMeter, type Proof, proofOf, registerMeter, verifyMeter, ZONE } from "./attested";
import { expectOk, expectRefusal } from "./outcomes";

const WINDOW = 900_000;

let net: Network;
let owner: string;
let meter: number;
let other: number;

const verify = ({ args }: Proof) => net.view("verification-engine", "verify-leaf", args);
const verifyZone = (window = WINDOW, revision = 0, zone = ZONE) =>
  net.view("verification-engine", "verify-zone", [window, revision, zone].map((n) => Cl.uint(n)));
const attest = (window = WINDOW, fields: any = {}, said: any = {}) =>
  attestEnergy(
    net,
    window,
    [{ usagePoint: meter, importWh: 3, exportWh: 250, ...fields }, { usagePoint: other, importWh: 40 }],
    said,
  );

beforeEach(async () => {
  net = await Network.disputing(4);
  owner = net.wallets[4];
  meter = enrolMeter(net, owner);
  other = enrolMeter(net, net.wallets[5]);
});

describe("verify-leaf", () => {
  it("gives the energy of an attested leaf and whose it is", () => {
    const proof = attest().get(meter)!;
    expect(verify(proof)).toEqual({
      ok: {
        producer: owner,
        "usage-point": BigInt(meter),
        window: BigInt(WINDOW),
        "import-wh": 3n,
        "export-wh": 250n,
        quality: 17n,
        assurance: 1n,
      },
    });
  });

  it("finds each leaf of each zone, in its place only", () => {
    const points = [1, 2, 3, 4, 5].map((n) => ({ usagePoint: enrolMeter(net, owner), exportWh: n, zone: n % 2 }));
    const proofs = attestEnergy(net, WINDOW, points);
    expect(proofs.size).toBe(5);
    for (const { usagePoint, exportWh } of points) {
      expect(verify(proofs.get(usagePoint)!).ok["export-wh"]).toBe(BigInt(exportWh));
    }
    const [first, second] = points.filter(({ zone }) => zone === 1).map(({ usagePoint }) => proofs.get(usagePoint)!);
    const moved = [first.args[0], first.args[1], first.args[2], second.args[3], first.args[4]];
    expectRefusal(verify({ ...first, args: moved }), 605);
  });

  it("refuses energy that was not attested", () => {
    const proof = attest().get(meter)!;
    const leaves = [{ ...proof.leaf, exportWh: 251 }, attest(WINDOW + 900).get(other)!.leaf];
    expectRefusal(verify(proofOf(leaves, 0)), 605);
    const elsewhere = [...proof.args];
    elsewhere[1] = Cl.uint(2);
    expectRefusal(verify({ ...proof, args: elsewhere }), 604);
    const unknown = leafOf({ ...proof.leaf, window: WINDOW + 1800 });
    expectRefusal(verify(proofOf([unknown], 0)), 601);
  });

  it("refuses what a newer revision restates", () => {
    const before = attest().get(meter)!;
    const after = attest(WINDOW, { exportWh: 200 }, { revision: 1 }).get(meter)!;
    expectRefusal(verify(before), 602);
    expect(verify(after).ok["export-wh"]).toBe(200n);
    expectOk(net.submitVoid({ window: WINDOW, revision: 2 }));
    expectRefusal(verify(after), 602);
    const voided = proofOf([after.leaf], 0, ZONE, 2);
    expectRefusal(verify(voided), 604);
    expectRefusal(verify(proofOf([after.leaf], 0, ZONE, 3)), 601);
  });

  it("refuses what a dispute has judged false", () => {
    const proofs = attest(WINDOW, { since: WINDOW, importWh: 3 });
    const proof = proofs.get(meter)!;
    expect(verify(proof)).toHaveProperty("ok");
    const [revision, ...rest] = proof.args;
    const args = [Cl.uint(WINDOW), revision, ...rest, Cl.uint(0), Cl.none()];
    expectOk(net.call("dispute-resolution", "submit-false-energy", args, net.outsider));
    expectRefusal(verify(proof), 603);
    expectRefusal(verifyZone(), 603);
  });

  it("refuses a device that is unknown, pending or revoked", () => {
    const pending = registerMeter(net, owner);
    const proofs = attestEnergy(net, WINDOW, [meter, pending, 99].map((usagePoint) => ({ usagePoint, exportWh: 1 })));
    expectRefusal(verify(proofs.get(99)!), 606);
    expectRefusal(verify(proofs.get(pending)!), 608);
    verifyMeter(net, pending);
    expect(verify(proofs.get(pending)!)).toHaveProperty("ok");
    expectOk(net.call("registration", "revoke-asset", [Cl.uint(meter)], owner));
    expectRefusal(verify(proofs.get(meter)!), 607);
  });

  it("refuses a window that is past the device's validity", () => {
    const validUntil = net.now() + 86_400;
    const short = enrolMeter(net, owner, { validUntil });
    const late = (Math.floor(validUntil / 900) + 1) * 900;
    const within = attestEnergy(net, late - 1800, [{ usagePoint: short, exportWh: 1 }]).get(short)!;
    const beyond = attestEnergy(net, late, [{ usagePoint: short, exportWh: 1 }]).get(short)!;
    expect(verify(within)).toHaveProperty("ok");
    expectRefusal(verify(beyond), 608);
  });

  it("gives the energy to the device's owner of today", () => {
    const proof = attest().get(meter)!;
    const heir = net.wallets[5];
    const args = [Cl.uint(meter), Cl.principal(heir)];
    expectOk(net.call("registration", "transfer-ownership", args, owner));
    expect(verify(proof).ok.producer).toBe(heir);
  });
});

describe("verify-meter-record", () => {
  const record = Buffer.from("OCMF|{}|{}");
  const check = (proof: Proof, bytes: Uint8Array) =>
    net.view("verification-engine", "verify-meter-record", [...proof.args, Cl.buffer(bytes)]);

  it("takes the bytes that the leaf names, and no others", () => {
    const proof = attest(WINDOW, { record: recordHash(record) }).get(meter)!;
    expect(check(proof, record)).toEqual(verify(proof));
    expectRefusal(check(proof, Buffer.from("OCMF|{}|{} ")), 609);
    expectRefusal(check(proof, new Uint8Array()), 609);
  });

  it("takes none for a leaf that is not attested", () => {
    const proof = attest(WINDOW, { record: hash32("another") }).get(meter)!;
    const forged = proofOf([{ ...proof.leaf, record: recordHash(record) }], 0);
    expectRefusal(check(forged, record), 605);
  });
});

describe("verify-zone", () => {
  it("gives an open zone's sums", () => {
    attest();
    expect(verifyZone()).toMatchObject({ ok: { "leaf-count": 2n, "import-wh": 43n, "export-wh": 250n } });
  });

  it("refuses a zone that is not open, not attested or restated", () => {
    attest();
    expectRefusal(verifyZone(WINDOW, 0, 2), 604);
    expectRefusal(verifyZone(WINDOW + 900), 601);
    attest(WINDOW, {}, { revision: 1 });
    expectRefusal(verifyZone(), 602);
    expect(verifyZone(WINDOW, 1)).toHaveProperty("ok");
  });
});

describe("performance-of", () => {
  const MAX = 2n ** 128n - 1n;
  it.each([
    ["what was promised", 1000, 800, 200, 10_000],
    ["a part of it", 1000, 901, 200, 4950],
    ["a part, rounded down", 1000, 999, 3, 3333],
    ["more", 1000, 500, 200, 25_000],
    ["nothing saved", 1000, 1000, 200, 0],
    ["more used than before", 1000, 1001, 200, 0],
    ["nothing promised", 1000, 0, 0, 0],
    ["the largest numbers", MAX, 0, 10n ** 15n, 10_000],
  ])("of %s", (_, baseline, actual, target, bps) => {
    const args = [baseline, actual, target].map((n) => Cl.uint(n));
    expect(net.view("verification-engine", "performance-of", args)).toBe(BigInt(bps));
  });
});
