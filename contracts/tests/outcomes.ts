// How tests read an outcome: the ok value or the error code of a public call.

import { expect } from "vitest";
import { plain, printed } from "../harness/network.mjs";

export function expectOk(outcome: any): any {
  const value = plain(outcome.result);
  expect(value, "the call must succeed").toHaveProperty("ok");
  return value.ok;
}

export function expectErr(outcome: any, code: number): void {
  expect(plain(outcome.result)).toEqual({ err: BigInt(code) });
  expect(outcome.events, "a refused call leaves no event").toEqual([]);
}

/** The one event a state change prints under this topic. */
export function expectEvent(outcome: any, topic: string): any {
  const events = printed(outcome).filter((event: any) => event.topic === topic);
  expect(events).toHaveLength(1);
  return events[0];
}

/** What a read-only function refuses with. */
export function expectRefusal(value: any, code: number): void {
  expect(value).toEqual({ err: BigInt(code) });
}

/** The code that a call was refused with, or 0: for tables of what cannot be. */
export function refusal(outcome: any): number {
  const value: any = plain(outcome.result);
  return "err" in value ? Number(value.err) : 0;
}
