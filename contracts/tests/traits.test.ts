// The standards' traits, as data: what ours declare, and what our tokens offer, is just that.
//
// Sources: SIP-010 and SIP-013, repository stacksgov/sips (sips/sip-010/sip-010-fungible-token-standard.md,
// sips/sip-013/sip-013-semi-fungible-token-standard.md, July 2026); on mainnet
// SP3FBR2AGK5H9QBDH3EEN6DF8EK8JY7RX8QJ5SVTE.sip-010-trait-ft-standard,
// SPDBEG5X8XD50SPM1JJH0E5CTXGDV5NJTKAKKR5V.sip013-semi-fungible-token-trait and .sip013-transfer-many-trait.
// SIP-009 is of tokens that cannot be divided; certificates can, so they follow SIP-013 and no contract claims SIP-009.

import { readdirSync, readFileSync } from "node:fs";
import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { parse, Tuple } from "../harness/expressions.mjs";
import { Network } from "../harness/network.mjs";
import { expectOk } from "./outcomes";

type Functions = Record<string, [args: string[], gives: string]>;
const UINT = "(response uint uint)";
const DONE = "(response bool uint)";
const MOVED = "{ token-id: uint, amount: uint, sender: principal, recipient: principal }";
const MOVED_WITH_MEMO = "{ token-id: uint, amount: uint, sender: principal, recipient: principal, memo: (buff 34) }";

const STANDARDS: Record<string, Functions> = {
  "sip-010-trait": {
    transfer: [["uint", "principal", "principal", "(optional (buff 34))"], DONE],
    "get-name": [[], "(response (string-ascii 32) uint)"],
    "get-symbol": [[], "(response (string-ascii 32) uint)"],
    "get-decimals": [[], UINT],
    "get-balance": [["principal"], UINT],
    "get-total-supply": [[], UINT],
    "get-token-uri": [[], "(response (optional (string-utf8 256)) uint)"],
  },
  "sip013-semi-fungible-token-trait": {
    "get-balance": [["uint", "principal"], UINT],
    "get-overall-balance": [["principal"], UINT],
    "get-total-supply": [["uint"], UINT],
    "get-overall-supply": [[], UINT],
    "get-decimals": [["uint"], UINT],
    "get-token-uri": [["uint"], "(response (optional (string-ascii 256)) uint)"],
    transfer: [["uint", "uint", "principal", "principal"], DONE],
    "transfer-memo": [["uint", "uint", "principal", "principal", "(buff 34)"], DONE],
  },
  "sip013-transfer-many-trait": {
    "transfer-many": [[`(list 200 ${MOVED})`], DONE],
    "transfer-many-memo": [[`(list 200 ${MOVED_WITH_MEMO})`], DONE],
  },
};
/** Where each is declared, and who claims it. */
const DECLARED: Record<string, [contract: string, tokens: string[]]> = {
  "sip-010-trait": ["traits-sip010", ["energy-token", "reward-token"]],
  "sip013-semi-fungible-token-trait": ["traits-sip013", ["carbon-offset-integration"]],
  "sip013-transfer-many-trait": ["traits-sip013", ["carbon-offset-integration"]],
};
const TRAITS = Object.keys(STANDARDS);
const CLAIMS = TRAITS.flatMap((trait) => DECLARED[trait][1].map((token) => [trait, token]));

const sourceOf = (contract: string) =>
  readFileSync(new URL(`../contracts/${contract}.clar`, import.meta.url), "utf8");
/** Expressions as one text, however they were laid out. */
const shown = (value: any): string => {
  if (value instanceof Tuple) {
    const fields = [...value.fields].map(([name, type]) => `${name}: ${shown(type)}`);
    return `{ ${fields.join(", ")} }`;
  }
  return Array.isArray(value) ? `(${value.map(shown).join(" ")})` : value;
};
const definitions = (contract: string, kind: string): any[] =>
  parse(sourceOf(contract)).filter(([defined]: any) => defined === kind);

/** A type as the VM's interface has it, in the words of a source. */
const typeOf = (type: any): string => {
  if (type === "uint128") return "uint";
  if (typeof type === "string") return type;
  const [[kind, inside]] = Object.entries<any>(type);
  switch (kind) {
    case "optional":
      return `(optional ${typeOf(inside)})`;
    case "response":
      return `(response ${typeOf(inside.ok)} ${typeOf(inside.error)})`;
    case "buffer":
      return `(buff ${inside.length})`;
    case "string-ascii":
    case "string-utf8":
      return `(${kind} ${inside.length})`;
    case "list":
      return `(list ${inside.length} ${typeOf(inside.type)})`;
    case "tuple":
      return `{ ${inside.map((field: any) => `${field.name}: ${typeOf(field.type)}`).join(", ")} }`;
    default:
      throw new Error(`no type ${kind}`);
  }
};
/** Whether a type that the VM has inferred is admitted by a declared one: "none" is of no value, and text may be shorter. */
const fits = (inferred: any, declared: any): boolean => {
  if (inferred === "none") return true;
  if (!Array.isArray(inferred) || !Array.isArray(declared)) {
    return /^\d+$/.test(inferred) ? Number(inferred) <= Number(declared) : inferred === declared;
  }
  return inferred.length === declared.length && inferred.every((one, at) => fits(one, declared[at]));
};
/** Fields of a tuple in one order: the VM sorts them. */
const sorted = (type: string) => {
  const [, before, fields, after] = /^(.*?)\{ (.*) \}(.*)$/.exec(type) ?? [];
  return fields === undefined ? type : `${before}{ ${fields.split(", ").sort().join(", ")} }${after}`;
};

/** The text of a standard's trait, as somebody else has deployed it. */
const traitText = (trait: string) => {
  const functions = Object.entries(STANDARDS[trait]).map(([name, [args, gives]]) => `(${name} (${args.join(" ")}) ${gives})`);
  return `(define-trait ${trait} (${functions.join("\n")}))`;
};

let net: Network;

beforeEach(async () => {
  net = await Network.deployed();
});

describe("a type", () => {
  it("fits a wider one of the same kind, and no other", () => {
    const one = (inferred: string, declared: string) => fits(parse(inferred)[0], parse(declared)[0]);
    expect(one("(response (string-ascii 14) none)", "(response (string-ascii 32) uint)")).toBe(true);
    expect(one("(response (string-ascii 33) none)", "(response (string-ascii 32) uint)")).toBe(false);
    expect(one("(response (optional none) none)", "(response (optional (string-utf8 256)) uint)")).toBe(true);
    expect(one("(response uint uint)", "(response bool uint)")).toBe(false);
    expect(one("uint", "(response uint uint)")).toBe(false);
  });
});

describe("the traits", () => {
  it.each(TRAITS)("%s is declared word for word", (trait) => {
    const [found] = definitions(DECLARED[trait][0], "define-trait").filter(([, name]) => name === trait);
    const declared = found[2].map(([name, args, gives]: any) => [name, [args.map(shown), shown(gives)]]);
    expect(declared).toEqual(Object.entries(STANDARDS[trait]));
  });

  it("are all that are declared, and all that are claimed", () => {
    const contracts = readdirSync(new URL("../contracts", import.meta.url)).map((name) => name.replace(/\.clar$/, ""));
    const declared = contracts.flatMap((one) => definitions(one, "define-trait").map(([, name]) => name));
    expect(declared.sort()).toEqual([...TRAITS].sort());
    const claims = contracts.flatMap((one) => definitions(one, "impl-trait").map(([, trait]) => `${one} ${trait}`));
    expect(claims.sort()).toEqual(CLAIMS.map(([trait, token]) => `${token} .${DECLARED[trait][0]}.${trait}`).sort());
  });
});

describe.each(CLAIMS)("%s of %s", (trait, token) => {
  it("has every function with the standard's types, which only reads what the standard reads", () => {
    const { functions } = net.vm.getContractsInterfaces().get(`${net.deployer}.${token}`)!;
    for (const [name, [args, gives]] of Object.entries(STANDARDS[trait])) {
      const found: any = functions.find((one: any) => one.name === name);
      expect(found, name).toBeDefined();
      expect(found.args.map(({ type }: any) => sorted(typeOf(type))), name).toEqual(args.map(sorted));
      const given = typeOf(found.outputs.type);
      expect(fits(parse(given)[0], parse(gives)[0]), `${name} gives ${given}, not ${gives}`).toBe(true);
      expect(found.access, name).toBe(name.startsWith("get-") ? "read_only" : "public");
    }
  });

  it("is taken where the standard's own text, deployed by somebody else, is asked for", () => {
    const other = net.deploy(`a-${trait}`, traitText(trait), net.outsider);
    const [reader] = Object.entries(STANDARDS[trait]).filter(([, [args]]) => args.length < 2);
    const [name, [args]] = reader;
    const given: Record<string, string> = { uint: "u1", principal: "tx-sender" };
    const values = args.map((type) => given[type] ?? "(list)").join(" ");
    const taker = net.deploy(
      `taker-of-${token}-${trait.length}`,
      `(use-trait standard '${other}.${trait})
       (define-public (ask (token <standard>)) (contract-call? token ${name} ${values}))`,
      net.outsider,
    );
    const argument = Cl.contractPrincipal(net.deployer, token);
    expectOk(net.callAny(taker, "ask", [argument], net.outsider));
    const roles = Cl.contractPrincipal(net.deployer, "roles");
    expect(() => net.callAny(taker, "ask", [roles], net.outsider), "what is no token is not").toThrow();
  });
});
