// Random calls that can be replayed: numbers from a seed, and how many calls a run makes.

/** Calls in a model test: RUNS if it is set, for the long run, or as many as a test may take. */
export function runs(short: number): number {
  return Number(process.env.RUNS ?? short);
}

/** Uniform numbers below a bound, from a seed (mulberry32). */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export { breathe } from "../harness/breath.mjs";
