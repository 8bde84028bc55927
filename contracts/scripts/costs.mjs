// `npm run costs` measures every public function and whole windows, and writes COSTS.md;
// `npm run costs -- --check` measures and fails if anything costs more than it says, or it is stale.

import { readFile, writeFile } from "node:fs/promises";
import { page } from "../harness/cost-page.mjs";
import { costsOf, measure } from "../harness/costs.mjs";
import { committedCosts, regressions } from "../harness/cost-table.mjs";
import { measureWindows } from "../harness/window-costs.mjs";

const FILE = new URL("../COSTS.md", import.meta.url);

const rows = await measure();
const written = page(rows, await measureWindows(costsOf));
if (process.argv.includes("--check")) {
  const committed = await readFile(FILE, "utf8");
  const worse = regressions(committedCosts(committed), rows);
  if (!worse.length && committed !== written) worse.push("COSTS.md is not what is measured now: npm run costs writes it");
  for (const line of worse) console.error(line);
  process.exitCode = worse.length ? 1 : 0;
} else {
  await writeFile(FILE, written);
}
