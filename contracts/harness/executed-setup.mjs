// Vitest runs this beside each file of tests when what they execute is counted.

import { afterAll, beforeEach } from "vitest";
import { keep } from "./executed.mjs";
import { breathe } from "./breath.mjs";

beforeEach(breathe);
afterAll(keep);
