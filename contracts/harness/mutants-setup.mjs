// Vitest runs this beside each file of tests when each test has contracts of its own.

import { readFileSync } from "node:fs";
import { beforeEach } from "vitest";
import { breathe } from "./breath.mjs";
import { sources } from "./network.mjs";
import { nameOf } from "./test-name.mjs";

/** Which manifest a test uses, by its file and name. */
const manifests = JSON.parse(readFileSync(process.env.WATTEST_MANIFESTS, "utf8"));

beforeEach(breathe);
beforeEach(({ task }) => {
  sources.manifest = manifests[`${task.file.filepath} ${nameOf(task)}`];
});
