import { defineConfig } from "vitest/config";

// Every file starts its own VM: forks keep them apart, and two at most keep a laptop usable.
export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    pool: "forks",
    poolOptions: { forks: { maxForks: 2, minForks: 1 } },
    // A test's own time is seconds; on a machine that is busy with other things, minutes.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
