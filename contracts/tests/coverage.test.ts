// How coverage is counted and joined with its reasons, and how checks are left out; and that each
// reason is for something that the sources still have.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { read } from "../harness/clarity.mjs";
import { coverage } from "../harness/coverage.mjs";
import { mutants } from "../harness/mutants.mjs";
import { explanations, join, nameOf, table, uncovered } from "../harness/coverage-page.mjs";

const here = (path: string) => new URL(path, import.meta.url);

/** A contract whose every kind of decision can be told. */
const SOURCE = `;; A comment with (parentheses) and a "quote.
(define-constant ERR_ZERO (err u1))
(define-private (half (n uint))
  (if (and (> n u0) (< n u9)) ;; a decision
    (ok { half: (/ n u2), text: "a . b)" })
    ERR_ZERO
  )
)
(define-public (act (n uint))
  (begin
    (asserts! (> n u2) ERR_ZERO)
    (try! (half n))
    (match (some n)
      found (ok found)
      ERR_ZERO
    )
  )
)
`;

const exploded = read(SOURCE).exploded.split("\n");
/** Counts as the VM gives them: `times` for each row, but for rows that say otherwise. */
const counts = (times: number, others: Record<string, number> = {}) => [
  undefined,
  ...exploded.map((row) => others[row] ?? times),
];
const names = (seen: any) => seen.branches.filter(({ hit }: any) => !hit).map(nameOf);

describe("an exploded source", () => {
  it("has the same words in the same order, one expression a line, and no comment", () => {
    const words = (text: string) => text.replaceAll(/;; .*$/gm, "").replaceAll(/\s/g, "");
    expect(words(exploded.join("\n"))).toBe(words(SOURCE));
    expect(exploded).toContain("(asserts!");
    expect(exploded.filter((row) => row.includes("decision"))).toEqual([]);
    expect(exploded.filter((row) => row.includes("a . b)"))).toEqual(['"a . b)"})']);
  });
});

describe("coverage", () => {
  it("is none of what never ran", () => {
    const seen = coverage(SOURCE, counts(0));
    for (const things of [seen.lines, seen.functions, seen.branches]) {
      expect(things.length).toBeGreaterThan(0);
      expect(things.every(({ hit }: any) => !hit)).toBe(true);
    }
  });

  it("tells a condition that was always true from one that was not", () => {
    const seen = coverage(SOURCE, counts(3, { "ERR_ZERO)": 0 }));
    expect(names(seen)).toContain("act: refuses: (asserts! (> n u2) ERR_ZERO)");
    expect(names(seen)).not.toContain("act: passes: (asserts! (> n u2) ERR_ZERO)");
  });

  it("tells a call that always succeeded from one whose error was returned", () => {
    expect(names(coverage(SOURCE, counts(3)))).toContain("act: returns: (try! (half n))");
    const seen = coverage(SOURCE, counts(3, { "(try!": 4 }));
    expect(names(seen)).not.toContain("act: returns: (try! (half n))");
  });

  it("refuses a source that the VM did not count", () => {
    expect(() => coverage(SOURCE, [])).toThrow("does not count");
  });
});

describe("what did not run", () => {
  const gap = (name: string, line = 1) => ({ contract: "one", line, last: line, name });

  it("is named by its text, with lines inside of an arm not named again", () => {
    const found = uncovered("one", SOURCE, coverage(SOURCE, counts(0)));
    expect(found.map(({ name }: any) => name)).toContain("half: true: (if (and (> n u0) (< n u9)))");
    expect(found.filter(({ line }: any) => line === 5)).toHaveLength(1);
    expect(found.every(({ contract }: any) => contract === "one")).toBe(true);
  });

  it("is joined with the reason of its own contract and name", () => {
    const reasons = { one: [{ reason: "it cannot", uncovered: ["f: true: a", "f: true: b"] }] };
    const { explained, unexplained, stale } = join([gap("f: true: a", 4), gap("f: true: b", 9)], reasons);
    expect(explained.map(({ line, reason }: any) => [line, reason])).toEqual([[4, "it cannot"], [9, "it cannot"]]);
    expect([unexplained, stale]).toEqual([[], []]);
    expect(explanations(explained)).toBe("### one\n\nit cannot\n\n- line 4, `f: true: a`\n- line 9, `f: true: b`");
  });

  it("is told when it has no reason, or another contract's", () => {
    const reasons = { two: [{ reason: "it cannot", uncovered: ["f: true: a"] }] };
    const { explained, unexplained } = join([gap("f: true: a")], reasons);
    expect(explained).toEqual([]);
    expect(unexplained).toEqual([gap("f: true: a")]);
  });

  it("is told when there is a reason and it runs, or is gone", () => {
    const reasons = { one: [{ reason: "it cannot", uncovered: ["f: true: a"] }] };
    expect(join([], reasons).stale).toEqual([{ contract: "one", name: "f: true: a", reason: "it cannot" }]);
  });

  it("is counted, and never rounded up to all", () => {
    const all = (hit: number, count: number) => Array.from({ length: count }, (_, at) => ({ hit: at < hit }));
    const row = { lines: all(1999, 2000), functions: all(0, 0), branches: all(1, 3) };
    expect(table([["one", row]])).toBe(
      "| one | 1999 / 2000 (99.9 %) | 0 / 0 | 1 / 3 (33.3 %) |\n| **all** | 1999 / 2000 (99.9 %) | 0 / 0 | 1 / 3 (33.3 %) |",
    );
  });
});

describe("a mutant", () => {
  it("is the source without one check, and knows where its refusal is", () => {
    const [mutant, ...others] = mutants(SOURCE);
    expect(others).toEqual([]);
    expect(mutant.source).toBe(SOURCE.replace("(asserts! (> n u2) ERR_ZERO)", "(asserts! true ERR_ZERO)"));
    expect(mutant).toMatchObject({ line: 11, condition: "(> n u2)" });
    expect(exploded[mutant.row - 1]).toBe("ERR_ZERO)");
  });
});

describe("the reasons", () => {
  const reasons: Record<string, any[]> = JSON.parse(readFileSync(here("../coverage-reasons.json"), "utf8"));
  const page = readFileSync(here("../COVERAGE.md"), "utf8");
  const contracts = readdirSync(here("../contracts")).map((file) => file.replace(/\.clar$/, ""));

  it("are for decisions and lines that the sources have", () => {
    for (const [contract, groups] of Object.entries(reasons)) {
      const source = readFileSync(here(`../contracts/${contract}.clar`), "utf8");
      const rows = read(source).exploded.split("\n").map(() => 0);
      const there = uncovered(contract, source, coverage(source, [0, ...rows])).map(({ name }: any) => name);
      for (const { reason, uncovered: named } of groups) {
        expect(reason.length, named[0]).toBeGreaterThan(20);
        for (const name of named) expect(there, contract).toContain(name);
      }
    }
  });

  it("stand on the page, as does every contract", () => {
    for (const contract of contracts) expect(page).toContain(`| ${contract} |`);
    for (const { reason } of Object.values(reasons).flat()) expect(page).toContain(reason);
  });
});
