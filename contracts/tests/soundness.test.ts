// An honest committee is never slashed: whatever a meter signs, a leaf that follows from it
// is not judged false. The records and what they say are the Python parser's, in
// tests/vectors/records.json: readings that inherit, nest, change times, units and names.

import { readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { beforeAll, describe, expect, it } from "vitest";
import { clarityLeaf, leafOf } from "../harness/entries.mjs";
import { recordHash } from "../harness/records.mjs";
import { Network, plain } from "../harness/network.mjs";

interface Vector {
  record: string;
  import: number | null;
  export: number | null;
}

const FILE = new URL("../../tests/vectors/records.json", import.meta.url);
const { vectors }: { vectors: Vector[] } = JSON.parse(readFileSync(FILE, "utf8"));
const UNSUPPORTED = 513;
let net: Network;

beforeAll(async () => {
  net = await Network.deployed();
});

/** true: false leaf; false: it may follow; a number: the error. */
function judged(record: string, fields: any): boolean | number {
  const bytes = Buffer.from(record);
  const leaf = clarityLeaf(leafOf({ record: recordHash(bytes), ...fields }));
  const said: any = plain(net.read("dispute-resolution", "judge-record", [leaf, Cl.buffer(bytes)]));
  return said.ok ?? Number(said.err);
}

/** What an honest node may make of a register: where the record lacks it, it stays without energy. */
const honest = (register: number | null, before: number, energy: number) =>
  register === null ? [before, 0] : [register, energy];

describe("of hostile records", () => {
  it("none frames a committee that read it as the parser does", { timeout: 200_000 }, () => {
    expect(vectors.length).toBeGreaterThan(200);
    for (const { record, import: into, export: out } of vectors) {
      for (const [before, energy] of [
        [0, 0],
        [777, 0],
        [777, 5],
      ]) {
        const [importRegister, importWh] = honest(into, before, energy);
        const [exportRegister, exportWh] = honest(out, before, energy);
        const said = judged(record, { importRegister, importWh, exportRegister, exportWh });
        expect([false, UNSUPPORTED], record).toContain(said);
      }
    }
  });

  it("many are understood, and bear out no other register with energy", { timeout: 100_000 }, () => {
    const all = vectors.filter(({ import: into }) => into !== null);
    const said = all.map(({ record, import: into, export: out }) =>
      judged(record, {
        importRegister: into! + 1,
        importWh: 5,
        exportRegister: out ?? 0,
      }),
    );
    expect(said.filter((one) => one === true).length).toBeGreaterThan(all.length / 4);
    expect(said.filter((one) => one === UNSUPPORTED).length).toBeGreaterThan(all.length / 10);
  });
});
