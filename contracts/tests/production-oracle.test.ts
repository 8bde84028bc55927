import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeKey } from "../harness/committee.mjs";
import {
  entryDigest,
  hash32,
  leafHash,
  merklePath,
  merkleRoot,
  voidBody,
  windowSummary,
  ZERO_HASH,
  zoneSummary,
} from "../harness/entries.mjs";
import { BLS_SIGNATURE, GRACE_S, Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const WINDOW = 900_000;
const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString("hex")}`;

let net: Network;
const view = (name: string, args: any[] = []) => net.view("production-oracle", name, args);
const attestation = (window = WINDOW, revision = 0) =>
  view("get-attestation", [Cl.uint(window), Cl.uint(revision)]);
const latest = (window = WINDOW) => view("get-latest-revision", [Cl.uint(window)]);
const isLatest = (revision: number) => view("is-latest", [Cl.uint(WINDOW), Cl.uint(revision)]);

function nextEpoch(members: number[]) {
  expectOk(net.propose(members));
  expectOk(net.activate());
}

describe("submit-window", () => {
  beforeEach(async () => {
    net = await Network.running(4);
  });

  it("stores what the committee signed, who signed it, and prints it all", () => {
    const body = windowSummary();
    const digest = entryDigest({
      network: net.network(),
      height: 2,
      previous: hash32("previous"),
      kind: "window",
      body,
    });
    const outcome = net.submitWindow({}, { signers: [0, 2, 3], round: 5 });
    expect(expectOk(outcome)).toBe(hex(digest));
    const stored = attestation();
    expect(stored).toMatchObject({
      digest: hex(digest),
      height: 2n,
      epoch: 1n,
      signers: [true, false, true, true],
      void: null,
    });
    expect(stored.summary).toMatchObject({
      window: 900_000n,
      revision: 0n,
      root: hex(hash32("root")),
      registry: hex(hash32("registry")),
      "zone-count": 3n,
      "leaf-count": 100n,
      "import-wh": 123_456n,
      "export-wh": 65_432n,
      quality: 10n,
      counts: { validated: 90n, witnessed: 5n },
    });
    expect(expectEvent(outcome, "window-attested")).toMatchObject({
      height: 2n,
      previous: hex(hash32("previous")),
      summary: stored.summary,
      epoch: 1n,
      round: 5n,
      digest: hex(digest),
      signers: stored.signers,
      "bls-signature": hex(BLS_SIGNATURE),
    });
    expect(view("get-signers", [Cl.uint(WINDOW), Cl.uint(0)])).toEqual({
      epoch: 1n,
      signers: stored.signers,
    });
  });

  it("takes a submission from anyone, also while paused: history does not stop", () => {
    expectOk(net.call("roles", "pause", []));
    expectOk(net.submitWindow({}, { sender: net.outsider }));
  });

  it("takes a (window, revision) once, whoever signs what", () => {
    expectOk(net.submitWindow());
    expectErr(net.submitWindow(), 406);
    expectErr(net.submitWindow({ importWh: 1 }, { height: 3 }), 406);
    expectErr(net.submitVoid({ window: WINDOW }), 406);
    expect(attestation().summary["import-wh"]).toBe(123_456n);
  });

  it("takes restatements in order beside the first (A8)", () => {
    expectErr(net.submitWindow({ revision: 1 }), 407);
    expect(latest()).toBe(null);
    expectOk(net.submitWindow());
    expect(isLatest(0)).toBe(true);
    expectErr(net.submitWindow({ revision: 2 }), 407);
    for (let revision = 1; revision <= 15; revision++) {
      expectOk(net.submitWindow({ revision, importWh: revision }));
    }
    expectErr(net.submitWindow({ revision: 16 }), 407);
    expect(latest()).toBe(15n);
    expect([isLatest(0), isLatest(15), isLatest(16)]).toEqual([false, true, false]);
    expect(attestation(WINDOW, 0).summary["import-wh"]).toBe(123_456n);
    expect(attestation(WINDOW, 15).summary["import-wh"]).toBe(15n);
  });

  it("refuses a window off the grid", () => expectErr(net.submitWindow({ window: 900_001 }), 403));

  it("refuses an epoch that never was", () => {
    expectErr(net.submitWindow({}, { sentEpoch: 0 }), 401);
    expectErr(net.submitWindow({}, { sentEpoch: 2 }), 401);
  });

  it("knows no epoch and no network before the first", async () => {
    net = await Network.deployed();
    expect(view("get-network")).toBe(null);
    const keys = [1, 2, 3, 4].map(nodeKey);
    expectErr(net.submitWindow({}, { keys, epoch: 1, network: ZERO_HASH, height: 1 }), 401);
  });

  it("takes the previous epoch's certificates for the grace, then no more (C2)", () => {
    net.enrol(4);
    const old = { keys: net.committee, epoch: 1 };
    nextEpoch([2, 3, 4, 5]);
    expectOk(net.submitWindow({ window: WINDOW }, old));
    expectOk(net.submitWindow({ window: WINDOW + 900 }));
    net.passTime(GRACE_S - 1800);
    expectOk(net.submitWindow({ window: WINDOW + 1800 }, old));
    net.passTime(2000);
    expectErr(net.submitWindow({ window: WINDOW + 2700 }, old), 402);
    expectOk(net.submitWindow({ window: WINDOW + 2700 }));
  });

  it("refuses the epoch before the previous one at once", () => {
    net.enrol(4);
    const first = { keys: net.committee, epoch: 1 };
    nextEpoch([2, 3, 4, 5]);
    const second = { keys: net.committee, epoch: 2 };
    nextEpoch([1, 3, 4, 5]);
    expectErr(net.submitWindow({}, first), 402);
    expectOk(net.submitWindow({}, second));
  });

  it("refuses one epoch's signatures under another's number", () => {
    net.enrol(4);
    const old = { keys: net.committee, epoch: 1 };
    nextEpoch([4, 3, 2, 1]);
    expectErr(net.submitWindow({}, { ...old, sentEpoch: 2 }), 405);
  });
});

describe("submit-void", () => {
  beforeEach(async () => {
    net = await Network.running(4);
  });

  it("stores a reason and no energy (A7)", () => {
    const digest = entryDigest({
      network: net.network(),
      height: 2,
      previous: hash32("previous"),
      kind: "void",
      body: voidBody({ reason: 4 }),
    });
    const outcome = net.submitVoid({ reason: 4 });
    expect(expectOk(outcome)).toBe(hex(digest));
    expect(attestation()).toMatchObject({ digest: hex(digest), void: 4n, summary: null });
    expect(expectEvent(outcome, "window-voided")).toMatchObject({
      void: { window: 900_000n, revision: 0n, reason: 4n, count: 1n },
      "bls-signature": hex(BLS_SIGNATURE),
    });
  });

  it("is restated by a window when the data comes after all", () => {
    expectOk(net.submitVoid());
    expectErr(net.submitWindow(), 406);
    expectOk(net.submitWindow({ revision: 1 }));
  });

  it("is refused like a window", () => {
    expectErr(net.submitVoid({}, { sentEpoch: 2 }), 401);
    expectErr(net.submitVoid({}, { signers: [0, 1] }), 405);
    expectErr(net.submitVoid({}, { forge: (honest: any[]) => honest.slice(1) }), 404);
    expectErr(net.submitVoid({ window: 900_100 }), 403);
    expectErr(net.submitVoid({ revision: 1 }), 407);
    expectOk(net.submitVoid());
    expectErr(net.submitVoid(), 406);
    net.enrol(4);
    const first = { keys: net.committee, epoch: 1 };
    nextEpoch([2, 3, 4, 5]);
    nextEpoch([1, 3, 4, 5]);
    expectErr(net.submitVoid({ window: WINDOW + 900 }, first), 402);
  });

  it("does not take a certificate over another kind of entry", () => {
    const options = { sentBody: voidBody({ reason: 9 }) };
    expectErr(net.submitVoid({ reason: 1 }, options), 405);
  });
});

describe("open-zone", () => {
  const summaries = (count: number) =>
    Array.from({ length: count }, (_, n) => zoneSummary({ zone: n + 1, leafCount: n + 2 }));

  function open(window: number, revision: number, summary: any, index: number, path: Uint8Array[]) {
    return net.call(
      "production-oracle",
      "open-zone",
      [
        Cl.uint(window),
        Cl.uint(revision),
        summary,
        Cl.uint(index),
        Cl.list(path.map((sibling) => Cl.buffer(sibling))),
      ],
      net.outsider,
    );
  }

  function attestZones(count: number, window = WINDOW) {
    const zones = summaries(count);
    const leaves = zones.map(leafHash);
    expectOk(net.submitWindow({ window, zoneCount: count, root: merkleRoot(leaves) }));
    return { zones, leaves };
  }

  beforeEach(async () => {
    net = await Network.running(4);
  });

  it.each([1, 2, 3, 5, 8, 33])("opens each of %i zones by its proof, once", (count) => {
    const { zones, leaves } = attestZones(count);
    zones.forEach((zone, index) => {
      const outcome = open(WINDOW, 0, zone, index, merklePath(leaves, index));
      expectOk(outcome);
      expectEvent(outcome, "zone-opened");
      const stored = view("get-zone", [Cl.uint(WINDOW), Cl.uint(0), Cl.uint(index + 1)]);
      expect(stored).toMatchObject({ "leaf-count": BigInt(index + 2), "import-wh": 12_345n });
    });
    expectErr(open(WINDOW, 0, zones[0], 0, merklePath(leaves, 0)), 412);
    expect(view("get-zone", [Cl.uint(WINDOW), Cl.uint(0), Cl.uint(99)])).toBe(null);
  });

  it("refuses what the proof does not carry", () => {
    const { zones, leaves } = attestZones(5);
    const path = merklePath(leaves, 1);
    expectErr(open(WINDOW, 0, zones[1], 2, path), 411);
    expectErr(open(WINDOW, 0, zones[2], 1, path), 411);
    expectErr(open(WINDOW, 0, zones[1], 1, path.slice(1)), 411);
    expectErr(open(WINDOW, 0, zones[1], 1, [...path, path[0]]), 411);
    expectErr(open(WINDOW, 0, zones[1], 1, []), 411);
    expectErr(open(WINDOW, 0, zoneSummary({ zone: 2, importWh: 999 }), 1, path), 411);
    expectErr(open(WINDOW, 0, zones[4], 5, merklePath(leaves, 4)), 411);
    expectOk(open(WINDOW, 0, zones[1], 1, path));
  });

  it("refuses a zone of another window, an unknown window, and a void", () => {
    const { zones, leaves } = attestZones(2, WINDOW + 900);
    expectErr(open(WINDOW + 900, 0, zones[0], 0, merklePath(leaves, 0)), 410);
    expectErr(open(WINDOW, 0, zones[0], 0, merklePath(leaves, 0)), 408);
    expectOk(net.submitVoid({ window: WINDOW }));
    expectErr(open(WINDOW, 0, zones[0], 0, merklePath(leaves, 0)), 409);
    expectErr(open(WINDOW, 1, zones[0], 0, merklePath(leaves, 0)), 408);
  });

  it("finds no zone in an empty window", () => {
    expectOk(net.submitWindow({ zoneCount: 0, leafCount: 0, root: ZERO_HASH }));
    expectErr(open(WINDOW, 0, zoneSummary(), 0, []), 411);
  });
});

describe("install-epoch", () => {
  const install = (by: string, epoch = 2) =>
    net.call(
      "production-oracle",
      "install-epoch",
      [
        Cl.uint(epoch),
        Cl.buffer(hash32("network")),
        Cl.uint(900),
        Cl.list([1, 2, 3, 4].map((seed) => Cl.buffer(nodeKey(seed).public))),
      ],
      by,
    );

  it("is for oracle-staking: neither outsiders, nor the governor, nor another's contract", async () => {
    net = await Network.running(4);
    for (const caller of [net.outsider, net.deployer]) expectErr(install(caller), 400);
    const impostor = net.deploy(
      "oracle-staking",
      `(define-public (go) (contract-call? '${net.oracle} install-epoch u2 0x00 u1 (list)))`,
      net.outsider,
    );
    expectErr(net.callAny(impostor, "go", [], net.deployer), 400);
    expect(view("get-current-epoch")).toBe(1n);
  });

  it("installs epochs in order, whatever oracle-staking says", async () => {
    // A contract that stands where oracle-staking would, and says anything.
    net = await Network.deployed();
    const copy = `${net.wallets[5]}.production-oracle`;
    net.vm.deployContract(
      "production-oracle",
      net.vm.getContractSource(net.oracle),
      { clarityVersion: 6 },
      net.wallets[5],
    );
    const staking = net.deploy(
      "oracle-staking",
      `(define-public (go (epoch uint)) (contract-call? '${copy} install-epoch epoch 0x00 u1 (list)))`,
      net.wallets[5],
    );
    const go = (epoch: number) =>
      net.callAny(staking, "go", [Cl.uint(epoch)], net.outsider);
    expectErr(go(2), 413);
    expectOk(go(1));
    expectErr(go(1), 413);
    expectErr(go(3), 413);
    expectOk(go(2));
  });
});
