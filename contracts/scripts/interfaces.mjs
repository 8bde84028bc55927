// `make interfaces` writes interfaces.json, deployment-costs.json and EVENTS.md; with --check it
// fails if a file is another one.

import { readFile, writeFile } from "node:fs/promises";
import { deploymentCosts } from "../harness/deployment.mjs";
import { events, eventsPage } from "../harness/events.mjs";
import { interfaces } from "../harness/interfaces.mjs";

const json = (content) => `${JSON.stringify(content, null, 1)}\n`;
const WRITTEN = {
  "interfaces.json": json({ contracts: await interfaces() }),
  "deployment-costs.json": json(await deploymentCosts()),
  "EVENTS.md": eventsPage(await events()),
};

for (const [name, text] of Object.entries(WRITTEN)) {
  const file = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes("--check")) await writeFile(file, text);
  else if ((await readFile(file, "utf8")) !== text) {
    console.error(`contracts/${name} is not what the contracts are: run \`make interfaces\``);
    process.exitCode = 1;
  }
}
