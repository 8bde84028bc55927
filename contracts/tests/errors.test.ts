// Error codes: one range a contract, none used twice, each explained in INTERFACE.md and
// provoked by a test.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const here = (path: string) => new URL(path, import.meta.url);
const RANGES: Record<string, number> = {
  roles: 100,
  registration: 200,
  "oracle-staking": 300,
  "production-oracle": 400,
  "dispute-resolution": 500,
  "verification-engine": 600,
  "energy-token": 620,
  "reward-token": 640,
  "energy-production-tracking": 660,
  "consumption-monitoring": 700,
  aggregation: 720,
  marketplace: 760,
  "payment-settlement": 820,
  "grid-management": 860,
  "event-manager": 900,
  commitment: 920,
  "reward-distributor": 950,
  "carbon-offset-integration": 1000,
  governance: 1050,
};
const STARTS = [...Object.values(RANGES), Infinity].sort((a, b) => a - b);
const endOf = (start: number) => STARTS[STARTS.indexOf(start) + 1];
/** No argument of the types that Clarity admits can cause these, nor any state (782). */
const UNREACHABLE = [324, 414, 500, 600, 700, 782];

const errors = Object.keys(RANGES).flatMap((contract) => {
  const path = here(`../contracts/${contract}.clar`);
  if (!existsSync(path)) return [];
  const source = readFileSync(path, "utf8");
  return [...source.matchAll(/^\(define-constant (ERR_\w+) \(err u(\d+)\)\)$/gm)].map((found) => ({
    contract,
    name: found[1],
    code: Number(found[2]),
    uses: source.split(found[1]).length - 1,
  }));
});

describe("error codes", () => {
  it("lie in their contract's range, and none stands twice", () => {
    expect(errors.length).toBeGreaterThan(50);
    for (const { contract, name, code } of errors) {
      expect(code, name).toBeGreaterThanOrEqual(RANGES[contract]);
      expect(code, name).toBeLessThan(endOf(RANGES[contract]));
    }
    expect(new Set(errors.map(({ code }) => code)).size).toBe(errors.length);
  });

  it("are all used", () => {
    expect(errors.filter(({ uses }) => uses < 2).map(({ name }) => name)).toEqual([]);
  });

  it("are explained in INTERFACE.md", () => {
    const page = readFileSync(here("../INTERFACE.md"), "utf8");
    const missing = errors.filter(({ code }) => !new RegExp(`\\bu${code}\\b`).test(page));
    expect(missing).toEqual([]);
  });

  it("are each provoked by a test", () => {
    const tests = readdirSync(here("."))
      .filter((name) => name.endsWith(".test.ts") && name !== "errors.test.ts")
      .map((name) => readFileSync(here(name), "utf8"))
      .join("\n");
    const untested = errors
      .map(({ code }) => code)
      .filter((code) => !UNREACHABLE.includes(code))
      .filter((code) => !new RegExp(`[, ]${code}[),\\]]`).test(tests));
    expect(untested).toEqual([]);
  });
});
