// Log entries, window and zone summaries, and Merkle trees, as Clarity values.
// Knows no contract and no key.

import { Cl } from "@stacks/transactions";
import { digestOf, doubleHash } from "./committee.mjs";

export const ZERO_HASH = new Uint8Array(32);

/** 32 bytes that differ with `seed`. */
export function hash32(seed) {
  return doubleHash(new TextEncoder().encode(`hash ${seed}`));
}

const COUNTS = {
  validated: 90,
  derived: 5,
  estimated: 3,
  questionable: 2,
  "meter-signed": 80,
  "gateway-signed": 15,
  witnessed: 5,
};

export function counts(values = COUNTS) {
  return Cl.tuple(Object.fromEntries(Object.entries(values).map(([name, n]) => [name, Cl.uint(n)])));
}

export function windowSummary(fields = {}) {
  const all = {
    window: 900_000,
    revision: 0,
    registry: hash32("registry"),
    root: hash32("root"),
    zoneCount: 3,
    leafCount: 100,
    importWh: 123_456,
    exportWh: 65_432,
    quality: 10,
    ...fields,
  };
  return Cl.tuple({
    window: Cl.uint(all.window),
    revision: Cl.uint(all.revision),
    registry: Cl.buffer(all.registry),
    root: Cl.buffer(all.root),
    "zone-count": Cl.uint(all.zoneCount),
    "leaf-count": Cl.uint(all.leafCount),
    "import-wh": Cl.uint(all.importWh),
    "export-wh": Cl.uint(all.exportWh),
    quality: Cl.uint(all.quality),
    counts: counts(),
  });
}

export function zoneSummary(fields = {}) {
  const all = {
    zone: 1,
    window: 900_000,
    root: hash32("zone root"),
    leafCount: 10,
    importWh: 12_345,
    exportWh: 6_543,
    quality: 17,
    ...fields,
  };
  return Cl.tuple({
    zone: Cl.uint(all.zone),
    window: Cl.uint(all.window),
    root: Cl.buffer(all.root),
    "leaf-count": Cl.uint(all.leafCount),
    "import-wh": Cl.uint(all.importWh),
    "export-wh": Cl.uint(all.exportWh),
    quality: Cl.uint(all.quality),
    counts: counts(),
  });
}

/** A leaf's fields (R3); `clarityLeaf` makes the value of them. */
export function leafOf(fields = {}) {
  return {
    usagePoint: 1,
    window: 900_000,
    importRegister: 5000,
    exportRegister: 0,
    importWh: 0,
    exportWh: 0,
    since: 900_000,
    quality: 17,
    assurance: 1,
    record: hash32("record"),
    ...fields,
  };
}

export function clarityLeaf(leaf) {
  return Cl.tuple({
    "usage-point": Cl.uint(leaf.usagePoint),
    window: Cl.uint(leaf.window),
    "import-register": Cl.uint(leaf.importRegister),
    "export-register": Cl.uint(leaf.exportRegister),
    "import-wh": Cl.uint(leaf.importWh),
    "export-wh": Cl.uint(leaf.exportWh),
    since: Cl.uint(leaf.since),
    quality: Cl.uint(leaf.quality),
    assurance: Cl.uint(leaf.assurance),
    record: Cl.buffer(leaf.record),
  });
}

/** The hashes of a zone's leaves: for many proofs of it, made once. */
export function leafHashes(leaves) {
  return leaves.map((leaf) => leafHash(clarityLeaf(leaf)));
}

/** The leaf's place in its zone: what a contract needs to believe that it is attested. */
export function leafProof(leaves, index, hashes = leafHashes(leaves)) {
  const path = merklePath(hashes, index);
  return { index: Cl.uint(index), siblings: Cl.list(path.map((hash) => Cl.buffer(hash))) };
}

/** The summary of a zone with these leaves; `fields` replace what is true. */
export function zoneOver(leaves, fields = {}) {
  const sum = (name) => leaves.reduce((total, leaf) => total + leaf[name], 0);
  return zoneSummary({
    root: merkleRoot(leafHashes(leaves)),
    leafCount: leaves.length,
    importWh: sum("importWh"),
    exportWh: sum("exportWh"),
    ...fields,
  });
}

export function voidBody({ window = 900_000, revision = 0, reason = 1, count = 1 } = {}) {
  return Cl.tuple({
    window: Cl.uint(window),
    revision: Cl.uint(revision),
    reason: Cl.uint(reason),
    count: Cl.uint(count),
  });
}

export function activateBody({ epoch, session, groupKey, commitments, firstWindow, attachment }) {
  return Cl.tuple({
    epoch: Cl.uint(epoch),
    session: Cl.buffer(session),
    "group-key": Cl.buffer(groupKey),
    commitments: Cl.buffer(commitments),
    "first-window": Cl.uint(firstWindow),
    attachment: Cl.buffer(attachment),
  });
}

/** The digest of a log entry, which the certificate is about. */
export function entryDigest({ network, height, previous, kind, body }) {
  return digestOf(
    Cl.tuple({
      network: Cl.buffer(network),
      height: Cl.uint(height),
      previous: Cl.buffer(previous),
      kind: Cl.stringAscii(kind),
      body,
    }),
  );
}

/** sha256d of a value's bytes: a leaf of a zone's or a window's tree. */
export function leafHash(value) {
  return doubleHash(Buffer.from(Cl.serialize(value), "hex"));
}

function rowAbove(row) {
  const above = [];
  for (let at = 0; at < row.length; at += 2) {
    const right = row[at + 1] ?? row[at];
    above.push(doubleHash(Buffer.concat([row[at], right])));
  }
  return above;
}

/** Root of a Bitcoin-shaped tree over leaf hashes. */
export function merkleRoot(leaves) {
  let row = leaves;
  while (row.length > 1) row = rowAbove(row);
  return row[0] ?? ZERO_HASH;
}

/** The siblings from leaf `index` up to the root. */
export function merklePath(leaves, index) {
  const path = [];
  let row = leaves;
  for (let at = index; row.length > 1; at = Math.floor(at / 2)) {
    path.push(row[at ^ 1] ?? row[at]);
    row = rowAbove(row);
  }
  return path;
}
