// Vitest runs this beside each file of tests when what they execute is counted.

import { afterAll } from "vitest";
import { keep } from "./executed.mjs";

afterAll(keep);
