import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { committedCosts, regressions } from "../harness/cost-table.mjs";
import { page } from "../harness/cost-page.mjs";
import { costsOf, measure, publicFunctions, share } from "../harness/costs.mjs";
import { events } from "../harness/events.mjs";
import { measureWindows } from "../harness/window-costs.mjs";

const written = readFileSync(new URL("../COSTS.md", import.meta.url), "utf8");
const committed = committedCosts(written);
let measured: any[];
let windows: any[];
/** Called by payment-settlement only, and counted there. */
const RELEASES = ["marketplace release-trade", "marketplace restate-trade"];

beforeAll(async () => {
  measured = await measure();
  windows = await measureWindows(costsOf);
});

describe("the cost of a call", () => {
  it("is not above what COSTS.md says", () => {
    expect(regressions(committed, measured)).toEqual([]);
  });

  it("and of whole windows is what COSTS.md says, to the letter", () => {
    expect(page(measured, windows)).toBe(written);
  });

  it("is known for every public function", async () => {
    const known = measured.map((row) => row.name.replace(/ \(.*\)$/, ""));
    // These can be called by one of our contracts only, and are counted there.
    const inner = ["production-oracle install-epoch", "event-manager settle-event", "event-manager pay-reward", "commitment settle", ...RELEASES];
    const expected = (await publicFunctions()).filter((name) => !inner.includes(name));
    expect(expected.length).toBeGreaterThan(20);
    expect(expected.filter((name) => !known.includes(name))).toEqual([]);
  });

  it("stays below a thousandth of a block for a submission of any committee", () => {
    const submissions = measured.filter((row) => row.name.startsWith("production-oracle submit-"));
    expect(submissions).toHaveLength(7);
    for (const row of submissions) expect(share(row)[0], row.name).toBeLessThan(0.001);
  });

  it("stays below a fortieth of a block for evidence against any committee", () => {
    const evidence = measured.filter((row) => row.name.startsWith("dispute-resolution"));
    expect(evidence).toHaveLength(10);
    for (const row of evidence) {
      expect(share(row)[0], row.name).toBeLessThan(0.025);
    }
  });

  it("of 13-of-19 is not above the prototype's 285 097 runtime and 6 reads", () => {
    const row = measured.find(({ name }) => name.endsWith("submit-window (13 of 19)"));
    expect(row.runtime).toBeLessThanOrEqual(285_097);
    expect(row.reads).toBeLessThanOrEqual(6);
  });

  it("that has risen, or has no row, is told apart", () => {
    const [row] = measured;
    const cheaper = new Map([[row.name, { ...row, runtime: row.runtime - 1 }]]);
    expect(regressions(cheaper, [row])).toEqual([
      `${row.name}: runtime ${row.runtime}, was ${row.runtime - 1}`,
    ]);
    expect(regressions(new Map(), [row])).toEqual([`${row.name}: not in COSTS.md`]);
  });
});

describe("what a call prints", () => {
  it("is what EVENTS.md says that it prints, and nothing else", async () => {
    const read = new Map((await events()).map(({ contract, functions }) => [contract, [...functions.values()].flat()]));
    for (const { name, events: printed } of measured) {
      const own = name.split(" ")[0];
      for (const { contract, value } of printed) {
        if (value.type !== "tuple") continue; // a memo
        const { topic, type, ...fields } = value.value;
        const known = read.get(contract)?.find((event) => event.name === (topic ?? type)?.value);
        expect([...(known?.fields ?? [])].sort(), `${name}: ${(topic ?? type)?.value}`).toEqual(Object.keys(fields).sort());
      }
      const told = printed.some(({ contract, value }: any) => contract === own && value.type === "tuple");
      expect(told, name).toBe(!/^(energy|reward)-token transfer$/.test(name));
    }
  });
});
