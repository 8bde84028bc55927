// Vitest runs this beside each file of tests when it matters which test executes what.

import { afterEach, beforeEach } from "vitest";
import { breathe } from "./breath.mjs";
import { begin, keepOf } from "./executed.mjs";
import { nameOf } from "./test-name.mjs";

beforeEach(breathe);
beforeEach(begin);
afterEach(({ task }) => keepOf({ file: task.file.filepath, name: nameOf(task) }));
