// Writes transactions.json: signed Stacks transactions as @stacks/transactions makes them.
// The inputs are plain JSON, so that another implementation can rebuild every transaction
// from the description alone and compare bytes. How to run: ../README-transactions.md.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const [modules, output] = process.argv.slice(2);
if (!modules || !output) throw new Error("usage: node transactions.mjs <folder with node_modules> <output.json>");
const require = createRequire(join(modules, "package.json"));
const stacks = require("@stacks/transactions");
const version = require("@stacks/transactions/package.json").version;
const { Cl } = stacks;

const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const key = (number) => sha256(`transaction vector key ${number}`);
const NETWORKS = ["mainnet", "testnet"];
// The 01 at its end tells the library that the public key is compressed.
const compressed = (privateKey) => `${privateKey}01`;
const address = (number, network) => stacks.getAddressFromPrivateKey(compressed(key(number)), network);
const BURN = { mainnet: "SP000000000000000000002Q6VF78", testnet: "ST000000000000000000002AMW42H" };
const contract = (number, network, name) => `${address(number, network)}.${name}`;

function clarity(value) {
  const [[type, inner]] = Object.entries(value);
  switch (type) {
    case "uint": return Cl.uint(BigInt(inner));
    case "int": return Cl.int(BigInt(inner));
    case "buff": return Cl.bufferFromHex(inner);
    case "ascii": return Cl.stringAscii(inner);
    case "utf8": return Cl.stringUtf8(inner);
    case "bool": return Cl.bool(inner);
    case "none": return Cl.none();
    case "some": return Cl.some(clarity(inner));
    case "ok": return Cl.ok(clarity(inner));
    case "err": return Cl.error(clarity(inner));
    case "principal": return Cl.principal(inner);
    case "list": return Cl.list(inner.map(clarity));
    case "tuple": return Cl.tuple(Object.fromEntries(Object.entries(inner).map(([name, v]) => [name, clarity(v)])));
    default: throw new Error(`no Clarity type ${type}`);
  }
}

function postCondition(condition) {
  const { kind, asset_id, ...rest } = condition;
  const wire = { type: `${kind}-postcondition`, ...rest };
  if (asset_id !== undefined) wire.assetId = clarity(asset_id);
  return wire;
}

async function signed(vector) {
  const { payload } = vector;
  const options = {
    senderKey: compressed(vector.private_key),
    network: vector.network,
    nonce: BigInt(vector.nonce),
    fee: BigInt(vector.fee),
    postConditionMode: vector.mode,
    postConditions: vector.post_conditions.map(postCondition),
  };
  switch (payload.kind) {
    case "transfer":
      return stacks.makeSTXTokenTransfer({
        ...options, recipient: payload.recipient, amount: BigInt(payload.amount), memo: payload.memo,
      });
    case "call": {
      const [contractAddress, contractName] = payload.contract.split(".");
      return stacks.makeContractCall({
        ...options, contractAddress, contractName, functionName: payload.function,
        functionArgs: payload.arguments.map(clarity), validateWithAbi: false,
      });
    }
    case "deploy":
      // An explicit undefined: the library's default is a versioned payload.
      return stacks.makeContractDeploy({
        ...options, contractName: payload.name, codeBody: payload.source,
        clarityVersion: payload.clarity_version ?? undefined,
      });
    default: throw new Error(`no payload ${payload.kind}`);
  }
}

const values = (network) => ({
  uint: { uint: "0" },
  "uint-max": { uint: ((1n << 128n) - 1n).toString() },
  int: { int: "-1" },
  "int-min": { int: (-(1n << 127n)).toString() },
  "int-max": { int: ((1n << 127n) - 1n).toString() },
  buff: { buff: sha256("a buffer") },
  "buff-empty": { buff: "" },
  ascii: { ascii: "kilowatt-hour" },
  "ascii-empty": { ascii: "" },
  utf8: { utf8: "Zähler ⚡ 電力" },
  true: { bool: true },
  false: { bool: false },
  none: { none: null },
  some: { some: { uint: "900" } },
  ok: { ok: { bool: true } },
  err: { err: { uint: "4003" } },
  principal: { principal: address(3, network) },
  "principal-burn": { principal: BURN[network] },
  "principal-contract": { principal: contract(4, network, "production-oracle") },
  list: { list: [{ uint: "1" }, { uint: "2" }, { uint: "3" }] },
  "list-empty": { list: [] },
  tuple: { tuple: { window: { uint: "1795219200" }, "import-wh": { uint: "1234" }, root: { buff: sha256("root") } } },
  nested: {
    some: { list: [{ tuple: { key: { some: { buff: "00ff" } }, inner: { tuple: { z: { none: null }, a: { ok: { list: [] } } } } } }] },
  },
});

const plain = [];
let number = 0;
function add(name, network, payload, extra = {}) {
  number += 1;
  plain.push({
    name: `${network}-${name}`,
    network,
    private_key: key(number % 7),
    nonce: String(number),
    fee: String(180 + 17 * number),
    mode: "deny",
    post_conditions: [],
    payload,
    ...extra,
  });
}

for (const network of NETWORKS) {
  const oracle = contract(4, network, "production-oracle");
  const token = `${contract(5, network, "energy-token")}::energy`;
  const certificate = `${contract(5, network, "carbon-offset-integration")}::granular-certificate`;

  // Transfers
  add("transfer", network, { kind: "transfer", recipient: address(2, network), amount: "1", memo: "" });
  add("transfer-memo", network, { kind: "transfer", recipient: address(2, network), amount: "1000000", memo: "window 1795219200" });
  add("transfer-memo-full", network, { kind: "transfer", recipient: address(2, network), amount: "5", memo: "m".repeat(34) });
  add("transfer-memo-utf8", network, { kind: "transfer", recipient: address(2, network), amount: "6", memo: "Strom ⚡" });
  add("transfer-contract", network, { kind: "transfer", recipient: oracle, amount: "7", memo: "stake" });
  add("transfer-burn", network, { kind: "transfer", recipient: BURN[network], amount: ((1n << 64n) - 1n).toString(), memo: "" });
  add("transfer-extremes", network, { kind: "transfer", recipient: address(1, network), amount: "0", memo: "" },
    { nonce: ((1n << 64n) - 1n).toString(), fee: ((1n << 63n) - 1n).toString() });

  // Calls: one of every value type, then all at once
  const all = values(network);
  for (const [name, value] of Object.entries(all)) {
    add(`call-${name}`, network, { kind: "call", contract: oracle, function: "submit-window", arguments: [value] });
  }
  add("call-no-arguments", network, { kind: "call", contract: oracle, function: "pause", arguments: [] });
  add("call-everything", network, { kind: "call", contract: oracle, function: "submit-window!", arguments: Object.values(all) });
  add("call-signatures", network, {
    kind: "call", contract: oracle, function: "submit-window",
    arguments: [{ list: Array.from({ length: 21 }, (_, i) => ({ buff: i % 4 === 3 ? "" : sha256(`r${i}`) + sha256(`s${i}`) + "01" })) }],
  });

  // Post-conditions: every code, every kind of principal, every mode
  const call = { kind: "call", contract: oracle, function: "stake", arguments: [{ uint: "10" }] };
  for (const condition of ["eq", "gt", "gte", "lt", "lte"]) {
    add(`stx-${condition}`, network, call, { post_conditions: [{ kind: "stx", address: "origin", condition, amount: "10" }] });
    add(`ft-${condition}`, network, call, {
      post_conditions: [{ kind: "ft", address: address(3, network), condition, amount: "18446744073709551615", asset: token }],
    });
  }
  for (const condition of ["sent", "not-sent", "maybe-sent"]) {
    add(`nft-${condition}`, network, call, {
      post_conditions: [{ kind: "nft", address: oracle, condition, asset: certificate, asset_id: { uint: "77" } }],
    });
  }
  const several = [
    { kind: "stx", address: oracle, condition: "lte", amount: "1" },
    { kind: "nft", address: "origin", condition: "sent", asset: certificate, asset_id: { tuple: { id: { uint: "1" }, owner: { principal: oracle } } } },
    { kind: "ft", address: "origin", condition: "gte", amount: "0", asset: token },
    { kind: "nft", address: address(6, network), condition: "not-sent", asset: certificate, asset_id: { buff: "00" } },
  ];
  for (const mode of ["allow", "deny", "originator"]) {
    add(`conditions-${mode}`, network, call, { mode, post_conditions: several });
  }

  // Deploys
  const source = '(define-data-var total uint u0)\n(define-public (add (n uint))\n\t(ok (var-set total (+ n (var-get total)))))\n';
  add("deploy", network, { kind: "deploy", name: "counter", source, clarity_version: null });
  add("deploy-allow", network, { kind: "deploy", name: "counter-v2", source: "(ok true)", clarity_version: null }, { mode: "allow" });
  add("deploy-long", network, { kind: "deploy", name: "a".repeat(40), source: ";; x\n".repeat(1500), clarity_version: null });
  for (const clarity_version of [2, 3, 4, 5]) {
    add(`deploy-clarity-${clarity_version}`, network, { kind: "deploy", name: "versioned", source, clarity_version });
  }
}

const transactions = [];
for (const vector of plain) {
  const transaction = await signed(vector);
  transactions.push({
    ...vector,
    sender: stacks.getAddressFromPrivateKey(compressed(vector.private_key), vector.network),
    raw: transaction.serialize(),
    txid: transaction.txid(),
  });
}
writeFileSync(output, JSON.stringify({ made_by: `@stacks/transactions ${version}`, transactions }, null, 1) + "\n");
console.log(`${transactions.length} transactions`);
