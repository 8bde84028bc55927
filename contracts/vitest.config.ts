import { defineConfig } from "vitest/config";

// Every file starts its own VM: forks keep them apart, and two at most keep a laptop usable.
export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    pool: "forks",
    poolOptions: { forks: { maxForks: 2, minForks: 1 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
