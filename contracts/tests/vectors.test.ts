// Canonical bytes are the same here as in Python: every vector of kind "entries" in the
// project's tests/vectors is read, written again and hashed, by the VM and by stacks.js.
// A file is {"kind": "entries", "vectors": [{"name", "value-hex", "digest"}, …]}.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../harness/committee.mjs";
import { windowSummary } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";

const FOLDER = new URL("../../tests/vectors/", import.meta.url);
/** How many files of kind "entries" the folder must hold at least. */
const FILES_MIN = 1;

interface Vector {
  name: string;
  "value-hex": string;
  digest: string;
}

const bare = (hex: string) => hex.replace(/^0x/, "");

function entryFiles(): { file: string; vectors: Vector[] }[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({ file, ...JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")) }))
    .filter(({ kind }) => kind === "entries");
}

const files = entryFiles();
let net: Network;

beforeAll(async () => {
  net = await Network.deployed();
});

/** The Clarity type, as source, that holds all these values: what the VM must be told to read them. */
function typeOf(values: any[]): string {
  const longest = (length: (value: any) => number) => Math.max(1, ...values.map(length));
  const inner = () => values.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const [{ type }] = values.filter((value) => value.type !== "none").concat(values);
  switch (type) {
    case "true":
    case "false":
      return "bool";
    case "buffer":
      return `(buff ${longest(({ value }) => value.length / 2)})`;
    case "ascii":
      return `(string-ascii ${longest(({ value }) => value.length)})`;
    case "utf8":
      return `(string-utf8 ${longest(({ value }) => [...value].length)})`;
    case "address":
    case "contract":
      return "principal";
    case "none":
      return "(optional bool)";
    case "some":
      return `(optional ${typeOf(inner())})`;
    case "ok":
      return `(response ${typeOf(inner())} bool)`;
    case "err":
      return `(response bool ${typeOf(inner())})`;
    case "list": {
      const items = inner().flat();
      return `(list ${longest(({ value }) => value.length)} ${items.length ? typeOf(items) : "bool"})`;
    }
    case "tuple": {
      const names = Object.keys(values[0].value);
      const field = (name: string) => typeOf(values.map(({ value }) => value[name]));
      return `{ ${names.map((name) => `${name}: ${field(name)}`).join(", ")} }`;
    }
    default:
      return type;
  }
}

/** sha256 of what the VM writes after reading the bytes as a value of this type. */
function digestInVm(hex: string, value: any): string {
  const read = `(from-consensus-buff? ${typeOf([value])} 0x${hex})`;
  const { result } = net.vm.execute(
    `(sha256 (unwrap-panic (to-consensus-buff? (unwrap-panic ${read}))))`,
  );
  return (result as any).value;
}

function expectSame({ "value-hex": valueHex, digest }: Vector): void {
  const hex = bare(valueHex);
  const value = Cl.deserialize(hex);
  expect(Cl.serialize(value)).toBe(hex);
  expect(Buffer.from(digestOf(value)).toString("hex")).toBe(bare(digest));
  expect(digestInVm(hex, value)).toBe(bare(digest));
}

describe("vectors shared with Python", () => {
  it("are there", () => expect(files.length).toBeGreaterThanOrEqual(FILES_MIN));

  for (const { file, vectors } of files) {
    it.each(vectors)(`${file}: $name`, expectSame);

    it(`${file} is not empty`, () => expect(vectors.length).toBeGreaterThan(0));
  }
});

describe("a window summary", () => {
  it("has the same bytes and digest in the VM and in stacks.js", () => {
    const summary = windowSummary();
    const digest = Buffer.from(digestOf(summary)).toString("hex");
    expectSame({ name: "window", "value-hex": Cl.serialize(summary), digest });
  });

  it("has another digest if a byte differs", () => {
    const summary = windowSummary();
    const other = Buffer.from(digestOf(windowSummary({ importWh: 1 }))).toString("hex");
    expect(digestInVm(Cl.serialize(summary), summary)).not.toBe(other);
  });
});
