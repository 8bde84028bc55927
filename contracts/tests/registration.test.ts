import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeKey } from "../harness/committee.mjs";
import { hash32 } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const DETAILS = {
  zone: 7,
  kind: 1,
  curve: 1,
  key: nodeKey("meter").public,
  meterId: hash32("meter"),
  location: hash32("location"),
  source: 1,
  validUntil: 0,
};

let net: Network;
let deployer: string;
let verifier: string;
let owner: string;
let other: string;
let outsider: string;

const call = (name: string, args: any[], by: string) => net.call("registration", name, args, by);
const registerUser = (by: string, kind = 1, profile = hash32(by)) =>
  call("register-user", [Cl.uint(kind), Cl.buffer(profile)], by);
const registerProducer = (by: string, fields: any = {}) => {
  const { name, source, location } = { name: "Roof", source: 1, location: hash32("roof"), ...fields };
  return call(
    "register-producer",
    [Cl.stringAscii(name), Cl.uint(source), Cl.buffer(location)],
    by,
  );
};
let nextReference = 123;
function registerDevice(by: string, fields: any = {}) {
  const all = {
    reference: nextReference++,
    description: "Solar Panel",
    capacityW: 500,
    ...DETAILS,
    ...fields,
  };
  return call(
    "register-device",
    [
      Cl.uint(all.reference),
      Cl.stringAscii(all.description),
      Cl.uint(all.capacityW),
      Cl.tuple({
        zone: Cl.uint(all.zone),
        kind: Cl.uint(all.kind),
        curve: Cl.uint(all.curve),
        key: Cl.buffer(all.key),
        "meter-id": Cl.buffer(all.meterId),
        location: Cl.buffer(all.location),
        source: Cl.uint(all.source),
        "valid-until": Cl.uint(all.validUntil),
      }),
    ],
    by,
  );
}
const verify = (device: number, by = verifier) => call("verify-asset", [Cl.uint(device)], by);
const revoke = (device: number, by = verifier) => call("revoke-asset", [Cl.uint(device)], by);
const rotate = (device: number, by: string, key = nodeKey("new").public, curve = 1) =>
  call("rotate-meter-key", [Cl.uint(device), Cl.uint(curve), Cl.buffer(key)], by);
const transfer = (device: number, to: string, by: string) =>
  call("transfer-ownership", [Cl.uint(device), Cl.principal(to)], by);
const device = (id: number) => net.view("registration", "get-device", [Cl.uint(id)]);
const revision = () => net.view("registration", "get-registry-revision");
const pause = () => expectOk(net.call("roles", "pause", []));

beforeEach(async () => {
  net = await Network.deployed();
  deployer = net.deployer;
  [verifier, owner, other] = net.wallets;
  outsider = net.outsider;
  nextReference = 123;
  expectOk(
    net.call("roles", "grant-role", [Cl.principal(verifier), Cl.stringAscii("verifier")]),
  );
});

describe("register-user", () => {
  it("records the caller once, with a hash and no name", () => {
    expectEvent(registerUser(owner), "user-registered");
    expect(net.view("registration", "get-user", [Cl.principal(owner)])).toMatchObject({
      kind: 1n,
      profile: `0x${Buffer.from(hash32(owner)).toString("hex")}`,
    });
    expect(net.view("registration", "get-user", [Cl.principal(other)])).toBe(null);
    expectErr(registerUser(owner), 202);
  });

  it("refuses an unknown kind and a short hash", () => {
    expectErr(registerUser(owner, 0), 204);
    expectErr(registerUser(owner, 5), 204);
    expectErr(registerUser(owner, 1, new Uint8Array(31)), 206);
  });

  it("waits while paused", () => {
    pause();
    expectErr(registerUser(owner), 201);
  });
});

describe("register-producer", () => {
  it("lists a user as a producer once", () => {
    expectOk(registerUser(owner, 2));
    expectEvent(registerProducer(owner), "producer-registered");
    expect(net.view("registration", "get-producer-info", [Cl.principal(owner)])).toMatchObject({
      name: "Roof",
      source: 1n,
    });
    expect(net.view("registration", "get-producer-info", [Cl.principal(other)])).toBe(null);
    expectErr(registerProducer(owner), 202);
  });

  it("refuses who is no user", () => expectErr(registerProducer(outsider), 203));

  it("refuses an empty name, an unknown source and a short hash", () => {
    expectOk(registerUser(owner));
    expectErr(registerProducer(owner, { name: "" }), 217);
    expectErr(registerProducer(owner, { source: 0 }), 205);
    expectErr(registerProducer(owner, { source: 9 }), 205);
    expectErr(registerProducer(owner, { location: new Uint8Array(5) }), 206);
  });

  it("waits while paused", () => {
    expectOk(registerUser(owner));
    pause();
    expectErr(registerProducer(owner), 201);
  });
});

describe("register-device", () => {
  beforeEach(() => expectOk(registerUser(owner)));

  it("gives ids 1, 2, 3 and holds what was said, pending", () => {
    const outcome = registerDevice(owner, { reference: 123 });
    expect(expectOk(outcome)).toBe(1n);
    expect(expectEvent(outcome, "device-registered")).toMatchObject({ device: 1n, reference: 123n });
    expect(expectOk(registerDevice(owner))).toBe(2n);
    expect(expectOk(registerDevice(owner))).toBe(3n);
    expect(net.view("registration", "get-device-count")).toBe(3n);
    expect(device(1)).toEqual({
      owner,
      description: "Solar Panel",
      zone: 7n,
      kind: 1n,
      curve: 1n,
      key: `0x${Buffer.from(DETAILS.key).toString("hex")}`,
      "capacity-w": 500n,
      "meter-id": `0x${Buffer.from(DETAILS.meterId).toString("hex")}`,
      location: `0x${Buffer.from(DETAILS.location).toString("hex")}`,
      source: 1n,
      status: 0n,
      "valid-until": 0n,
    });
    expect(device(4)).toBe(null);
  });

  it("does not change the registry, so strangers cannot make nodes read it again", () => {
    expectOk(registerDevice(owner));
    expect(revision()).toBe(0n);
  });

  it("finds a device by its owner's reference and refuses the reference again", () => {
    expectOk(registerDevice(owner, { reference: 9 }));
    const byReference = (who: string) =>
      net.view("registration", "get-device-by-reference", [Cl.principal(who), Cl.uint(9)]);
    expect(byReference(owner)).toBe(1n);
    expect(byReference(other)).toBe(null);
    expectErr(registerDevice(owner, { reference: 9 }), 209);
    expectOk(registerUser(other));
    expect(expectOk(registerDevice(other, { reference: 9 }))).toBe(2n);
  });

  it("takes every curve with its key, and a gateway without capacity", () => {
    expectOk(registerDevice(owner, { curve: 0, key: new Uint8Array() }));
    expectOk(registerDevice(owner, { curve: 2 }));
    expectOk(registerDevice(owner, { curve: 3, key: hash32("ed25519") }));
    expectOk(registerDevice(owner, { kind: 2, capacityW: 0 }));
  });

  it("refuses who is no user", () => expectErr(registerDevice(outsider), 203));

  it("refuses what does not fit", () => {
    const long = Uint8Array.from([4, ...DETAILS.key.slice(1)]);
    for (const [fields, code] of [
      [{ description: "" }, 217],
      [{ kind: 0 }, 204],
      [{ kind: 3 }, 204],
      [{ capacityW: 0 }, 207],
      [{ capacityW: 10_000_000_001 }, 207],
      [{ curve: 0 }, 208],
      [{ curve: 4 }, 208],
      [{ curve: 1, key: new Uint8Array() }, 208],
      [{ curve: 1, key: hash32("32 bytes") }, 208],
      [{ curve: 1, key: long }, 208],
      [{ curve: 3 }, 208],
      [{ kind: 2, curve: 2 }, 208],
      [{ kind: 2, curve: 0, key: new Uint8Array() }, 208],
      [{ meterId: new Uint8Array(31) }, 206],
      [{ location: new Uint8Array() }, 206],
      [{ source: 9 }, 205],
      [{ validUntil: 1 }, 215],
    ] as [any, number][]) {
      expectErr(registerDevice(owner, fields), code);
    }
    expect(net.view("registration", "get-device-count")).toBe(0n);
  });

  it("waits while paused", () => {
    pause();
    expectErr(registerDevice(owner), 201);
  });
});

describe("verify-asset", () => {
  beforeEach(() => {
    expectOk(registerUser(owner));
    expectOk(registerDevice(owner));
  });

  it("lets a device into the registry and raises the revision", () => {
    expect(expectEvent(verify(1), "asset-verified")).toMatchObject({ device: 1n, revision: 1n });
    expect(device(1).status).toBe(1n);
    expect(revision()).toBe(1n);
    expect(net.view("registration", "is-verified-at", [Cl.uint(1), Cl.uint(5)])).toBe(true);
    expect(net.view("registration", "is-verified-at", [Cl.uint(9), Cl.uint(5)])).toBe(false);
  });

  it("is for verifiers: neither the owner nor the governor nor an outsider", () => {
    for (const caller of [owner, deployer, outsider]) expectErr(verify(1, caller), 200);
  });

  it("refuses an unknown device and a second time", () => {
    expectErr(verify(2), 210);
    expectOk(verify(1));
    expectErr(verify(1), 211);
  });

  it("refuses what has expired since", () => {
    const until = net.now() + 1200;
    expectOk(registerDevice(owner, { validUntil: until, key: nodeKey("short").public }));
    net.passTime(1300);
    expectErr(verify(2), 215);
  });

  it("lets one verified device have a key, and one a meter id", () => {
    expectOk(registerDevice(owner, { meterId: hash32("second meter") }));
    expectOk(registerDevice(owner, { key: nodeKey("second").public }));
    expectOk(verify(1));
    expectErr(verify(2), 213);
    expectErr(verify(3), 214);
    expectOk(revoke(1));
    expectOk(verify(2));
    expectOk(verify(3));
  });

  it("lets any number of meters have no key", () => {
    const keyless = { curve: 0, key: new Uint8Array() };
    expectOk(registerDevice(owner, { ...keyless, meterId: hash32("a") }));
    expectOk(registerDevice(owner, { ...keyless, meterId: hash32("b") }));
    expectOk(verify(2));
    expectOk(verify(3));
  });

  it("waits while paused", () => {
    pause();
    expectErr(verify(1), 201);
  });
});

describe("revoke-asset", () => {
  beforeEach(() => {
    expectOk(registerUser(owner));
    expectOk(registerDevice(owner));
    expectOk(verify(1));
  });

  it("ends a device for good and raises the revision", () => {
    expect(expectEvent(revoke(1), "asset-revoked")).toMatchObject({ revision: 2n });
    expect(device(1).status).toBe(2n);
    expect(net.view("registration", "is-verified-at", [Cl.uint(1), Cl.uint(5)])).toBe(false);
    expectErr(verify(1), 211);
    expectErr(revoke(1), 212);
  });

  it("is open to the owner, also while paused", () => {
    pause();
    expectOk(revoke(1, owner));
  });

  it("refuses outsiders and unknown devices", () => {
    expectErr(revoke(1, outsider), 200);
    expectErr(revoke(1, deployer), 200);
    expectErr(revoke(2), 210);
  });

  it("is open to anyone once the validity is over, not before", () => {
    const until = net.now() + 3000;
    expectOk(
      registerDevice(owner, {
        validUntil: until,
        key: nodeKey("short").public,
        meterId: hash32("short"),
      }),
    );
    expectOk(verify(2));
    const at = (time: number) =>
      net.view("registration", "is-verified-at", [Cl.uint(2), Cl.uint(time)]);
    expect([at(until - 1), at(until)]).toEqual([true, false]);
    expectErr(revoke(2, outsider), 200);
    net.passTime(3100);
    expectOk(revoke(2, outsider));
  });

  it("of a device that was never verified leaves the registry as it is", () => {
    expectOk(registerDevice(owner));
    expectOk(revoke(2, owner));
    expect(revision()).toBe(1n);
    expect(device(1).status).toBe(1n);
  });
});

describe("rotate-meter-key", () => {
  beforeEach(() => {
    expectOk(registerUser(owner));
    expectOk(registerDevice(owner));
    expectOk(verify(1));
  });

  it("by a verifier keeps the device in the registry", () => {
    const outcome = rotate(1, verifier);
    expect(expectEvent(outcome, "meter-key-rotated")).toMatchObject({ verified: true });
    expect(device(1)).toMatchObject({
      status: 1n,
      key: `0x${Buffer.from(nodeKey("new").public).toString("hex")}`,
    });
    expect(revision()).toBeGreaterThan(1n);
  });

  it("by the owner sends it back to be verified: who sets the key can sign any reading", () => {
    expectOk(rotate(1, owner));
    expect(device(1).status).toBe(0n);
    expect(revision()).toBe(2n);
    expectOk(verify(1));
    expect(device(1).status).toBe(1n);
  });

  it("frees the old key", () => {
    expectOk(rotate(1, verifier));
    expectOk(registerDevice(owner, { meterId: hash32("second meter") }));
    expectOk(verify(2));
  });

  it("holds on to the meter and to the new key", () => {
    expectOk(rotate(1, verifier));
    expectOk(registerDevice(owner));
    expectErr(verify(2), 214);
    expectOk(registerDevice(owner, { key: nodeKey("new").public, meterId: hash32("second meter") }));
    expectErr(verify(3), 213);
  });

  it("of a pending device keeps it pending and the registry as it is", () => {
    expectOk(registerDevice(owner));
    expectOk(rotate(2, verifier));
    expect(device(2).status).toBe(0n);
    expect(revision()).toBe(1n);
  });

  it("refuses outsiders, unknown and revoked devices and a key that does not fit", () => {
    expectErr(rotate(1, outsider), 200);
    expectErr(rotate(2, verifier), 210);
    expectErr(rotate(1, owner, hash32("32 bytes")), 208);
    expectErr(rotate(1, owner, nodeKey("new").public, 3), 208);
    expectOk(revoke(1));
    expectErr(rotate(1, owner), 212);
  });

  it("refuses another verified device's key, and leaves everything as it was", () => {
    const second = { key: nodeKey("second").public, meterId: hash32("second meter") };
    expectOk(registerDevice(owner, second));
    expectOk(verify(2));
    expectErr(rotate(1, verifier, second.key), 213);
    expect(device(1).status).toBe(1n);
    expect(revision()).toBe(2n);
  });

  it("works while paused", () => {
    pause();
    expectOk(rotate(1, owner));
  });
});

describe("transfer-ownership", () => {
  beforeEach(() => {
    expectOk(registerUser(owner));
    expectOk(registerUser(other));
    expectOk(registerDevice(owner));
    expectOk(verify(1));
  });

  it("hands the device over with its status; the registry does not change", () => {
    expectEvent(transfer(1, other, owner), "ownership-transferred");
    expect(device(1)).toMatchObject({ owner: other, status: 1n });
    expect(revision()).toBe(1n);
    expectErr(transfer(1, owner, owner), 200);
    expectOk(transfer(1, owner, other));
  });

  it("refuses outsiders, unknown devices, strangers, oneself and a revoked device", () => {
    expectErr(transfer(1, outsider, outsider), 200);
    expectErr(transfer(2, other, owner), 210);
    expectErr(transfer(1, outsider, owner), 203);
    expectErr(transfer(1, owner, owner), 216);
    expectOk(revoke(1));
    expectErr(transfer(1, other, owner), 212);
  });

  it("waits while paused", () => {
    pause();
    expectErr(transfer(1, other, owner), 201);
  });
});

describe("get-devices", () => {
  it("reads a page in the order asked, with none where there is no device", () => {
    expectOk(registerUser(owner));
    for (let n = 0; n < 3; n++) expectOk(registerDevice(owner, { zone: n }));
    const page = net.view("registration", "get-devices", [Cl.list([3, 9, 1].map((n) => Cl.uint(n)))]);
    expect(page.map((found: any) => found?.zone ?? null)).toEqual([2n, null, 0n]);
  });
});
