// `make interfaces` writes interfaces.json and deployment-costs.json; with --check it fails if a
// file is another one.

import { readFile, writeFile } from "node:fs/promises";
import { deploymentCosts } from "../harness/deployment.mjs";
import { interfaces } from "../harness/interfaces.mjs";

const WRITTEN = {
  "interfaces.json": { contracts: await interfaces() },
  "deployment-costs.json": await deploymentCosts(),
};

for (const [name, content] of Object.entries(WRITTEN)) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = `${JSON.stringify(content, null, 1)}\n`;
  if (!process.argv.includes("--check")) await writeFile(file, text);
  else if ((await readFile(file, "utf8")) !== text) {
    console.error(`contracts/${name} is not what the contracts are: run \`make interfaces\``);
    process.exitCode = 1;
  }
}
