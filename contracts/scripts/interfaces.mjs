// `make interfaces` writes interfaces.json; with --check it fails if the file is another one.

import { readFile, writeFile } from "node:fs/promises";
import { interfaces } from "../harness/interfaces.mjs";

const FILE = new URL("../interfaces.json", import.meta.url);
const text = `${JSON.stringify({ contracts: await interfaces() }, null, 1)}\n`;

if (process.argv.includes("--check")) {
  if ((await readFile(FILE, "utf8")) !== text) {
    console.error("contracts/interfaces.json is not what the contracts are: run `make interfaces`");
    process.exitCode = 1;
  }
} else {
  await writeFile(FILE, text);
}
