// What an indexer follows: every public function prints, a topic belongs to one contract and
// always has the same fields, and EVENTS.md has them all. That the VM prints just this is
// compared in costs.test.ts, which calls every function.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { events, eventsOf, eventsPage } from "../harness/events.mjs";
import { publicFunctions } from "../harness/costs.mjs";

/** SIP-010: the chain tells of a transfer, the contract prints the memo alone. */
const MEMO_ALONE = ["energy-token transfer", "reward-token transfer"];
/** SIP-013 wants these, named by `type`. */
const SIP013 = ["sft_mint", "sft_transfer", "sft_burn"];
/** These tell of what was found in a leaf, beside the event of the change. */
const BESIDE = ["threshold-exceeded", "daily-threshold-exceeded", "abnormal-usage"];

let contracts: { contract: string; functions: Map<string, any[]> }[];
const all = () =>
  contracts.flatMap(({ contract, functions }) =>
    [...functions].flatMap(([by, printed]) => printed.map((event: any) => ({ contract, by, ...event }))),
  );

beforeAll(async () => {
  contracts = await events();
});

describe("events", () => {
  it("are printed by every public function", async () => {
    const printing = all().filter((event) => !event.bare).map(({ contract, by }) => `${contract} ${by}`);
    const silent = (await publicFunctions()).filter((name: string) => !printing.includes(name));
    expect(silent.sort()).toEqual(MEMO_ALONE);
  });

  it("are named by their topic, but for those of SIP-013", () => {
    const others = all().filter(({ bare, named }) => !bare && named !== "topic");
    expect(new Set(others.map(({ name }) => name))).toEqual(new Set(SIP013));
    expect(new Set(others.map(({ contract }) => contract))).toEqual(new Set(["carbon-offset-integration"]));
    for (const { named, name } of all()) if (named === "topic") expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
  });

  it("of one name are of one contract and have one shape", () => {
    const shapes = new Map<string, Set<string>>();
    for (const { contract, name, fields, bare } of all()) {
      if (!bare) shapes.set(name, (shapes.get(name) ?? new Set()).add(`${contract} ${[...fields].sort()}`));
    }
    expect(shapes.size).toBeGreaterThan(100);
    expect([...shapes].filter(([, found]) => found.size > 1)).toEqual([]);
  });

  it("stand on the page", () => {
    const page = readFileSync(new URL("../EVENTS.md", import.meta.url), "utf8");
    expect(page, "make interfaces").toBe(eventsPage(contracts));
    for (const topic of BESIDE) expect(page).toContain(`\`${topic}\``);
  });
});

describe("the reader of events", () => {
  const one = (source: string) => eventsOf(source).get("act");

  it("follows private functions, folds and parameters", () => {
    const source = `
      ;; (print { topic: "comment" })
      (define-private (tell (topic (string-ascii 9)) (n uint)) (begin (print { topic: topic, n: n }) true))
      (define-private (each (n uint) (sum uint)) (begin (tell "each" n) (+ n sum)))
      (define-public (act (ns (list 3 uint))) (ok (fold each ns u0)))`;
    expect(one(source)).toEqual([{ named: "topic", name: "each", fields: ["n"] }]);
  });

  it("sees who prints nothing, and does not take a field for a call", () => {
    const source = `
      (define-public (stake) (begin (print { topic: "staked" }) (ok true)))
      (define-public (act (who { stake: uint })) (ok (get stake who)))`;
    expect(one(source)).toEqual([]);
  });

  it("refuses a tuple without a name", () => {
    expect(() => one(`(define-public (act) (begin (print { event: "x" }) (ok true)))`)).toThrow("without a topic");
  });
});
