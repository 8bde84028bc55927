// Demand response as tests need it: a network with a utility, an event in its future, and
// the readings around it, attested and recorded.

import { Cl } from "@stacks/transactions";
import { breathe } from "../harness/breath.mjs";
import { Network, WINDOW_S } from "../harness/network.mjs";
import { attestEnergy, enrolMeter } from "./attested";

export const DAY_S = 86_400;
export const CLOSE_LEAD_S = 14_400;
export const VERIFY_S = 691_200;
export const DAYS = 5;
export const STAKE = 100_000n;
/** Wednesday's last five days of the same type: Tuesday, Monday, Friday, Thursday, Wednesday. */
export const WEEKDAYS = [1, 2, 5, 6, 7];

export interface Event {
  id: number;
  start: number;
  end: number;
}

/** A network in which `utility` may create events. */
export async function responding(): Promise<{ net: Network; utility: string }> {
  const net = await Network.running(4);
  // Tests are synchronous: between two of them the runner's own messages get their turn.
  await breathe();
  const utility = net.wallets[3];
  net.expectOk(net.grant(utility, "utility"));
  return { net, utility };
}

/** The first window that starts at least `seconds` from now. */
export function windowIn(net: Network, seconds: number): number {
  return Math.ceil((net.now() + seconds) / WINDOW_S) * WINDOW_S;
}

/** The first Wednesday noon that an event can be created for: no weekend, no midnight. */
export function wednesday(net: Network): number {
  const day = Math.ceil((net.now() + 2 * CLOSE_LEAD_S) / DAY_S);
  return (day + ((6 - (day % 7) + 7) % 7)) * DAY_S + DAY_S / 2;
}

/** The arguments of `create-event`. */
export function eventArgs(fields: any): any[] {
  const all = {
    programme: "evening-peak",
    zone: null,
    targetWh: 2000,
    days: DAYS,
    adjusted: false,
    ...fields,
  };
  return [
    Cl.stringAscii(all.programme),
    all.zone === null ? Cl.none() : Cl.some(Cl.uint(all.zone)),
    Cl.uint(all.start),
    Cl.uint(all.end),
    Cl.uint(all.targetWh),
    Cl.uint(all.days),
    Cl.bool(all.adjusted),
  ];
}

/** An event of an hour, on a Wednesday noon, with a pool of STX, unless `fields` say else. */
export function createEvent(net: Network, utility: string, fields: any = {}): Event {
  const start = fields.start ?? wednesday(net);
  const end = fields.end ?? start + 4 * WINDOW_S;
  const name = fields.inWatt ? "create-token-event" : "create-event";
  const outcome = net.expectOk(net.call("event-manager", name, eventArgs({ ...fields, start, end }), utility));
  return { id: Number((outcome.result as any).value.value), start, end };
}

/** Lets time pass until `time`, if it has not come. */
export function until(net: Network, time: number): void {
  if (net.now() < time) net.passTime(time - net.now());
}

/** Attests that these meters ({usagePoint, register, …}) stood so at the end of `window`, and records it. */
export function recordRegisters(net: Network, window: number, meters: any[], said: any = {}): void {
  const leaves = meters.map(({ usagePoint, register, ...rest }) => ({
    usagePoint,
    importRegister: register,
    ...rest,
  }));
  const proofs = [...attestEnergy(net, window, leaves, said).values()];
  const list = Cl.list(proofs.map(({ tuple }) => tuple));
  net.expectOk(net.call("commitment", "record-readings", [list], net.outsider));
}

/** Registers before and after the same hour of `day` days before the event: what was used. */
export function recordHour(net: Network, event: Event, day: number, meters: any[]): void {
  const at = (time: number) => time - day * DAY_S - WINDOW_S;
  recordRegisters(net, at(event.start), meters.map(({ wh, ...meter }) => meter));
  const after = meters.map(({ wh, register, ...meter }) => ({ ...meter, register: register + wh }));
  recordRegisters(net, at(event.end), after);
}

/** A household with a meter: what it promises, and readings that show how it kept that. */
export class Household {
  constructor(
    readonly net: Network,
    readonly utility: string,
    readonly owner: string,
    readonly other: string,
    readonly meter: number,
  ) {}

  /** In a network in which `utility` may create events. */
  static async open(): Promise<Household> {
    const { net, utility } = await responding();
    const [, , , , owner, other] = net.wallets;
    return new Household(net, utility, owner, other, enrolMeter(net, owner));
  }

  call(name: string, args: any[], by: string) {
    return this.net.call("commitment", name, args, by);
  }

  commit(event: number, fields: any = {}) {
    const all = { device: this.meter, wh: 1000, stake: STAKE, by: this.owner, ...fields };
    return this.call("commit", uints(event, all.device, all.wh, all.stake), all.by);
  }

  verify(event: Event, by = this.owner, fields: { from?: number; to?: number; device?: number } = {}) {
    const all = { from: event.start - WINDOW_S, to: event.end - WINDOW_S, device: this.meter, ...fields };
    return this.call("verify-commitment", uints(event.id, all.device, all.from, all.to), by);
  }

  start(event: Event): void {
    until(this.net, event.start - CLOSE_LEAD_S);
    this.net.expectOk(this.net.call("event-manager", "start-event", uints(event.id), this.utility));
  }

  /** An event of an hour with this commitment, over. */
  committed(fields: any = {}, promise: any = {}): Event {
    const event = createEvent(this.net, this.utility, fields);
    this.net.expectOk(this.net.call("event-manager", "fund-event", uints(event.id, 1_000_000), this.utility));
    this.net.expectOk(this.commit(event.id, promise));
    this.start(event);
    until(this.net, event.end);
    return event;
  }

  /** The same hour of the baseline's days used `baseline` (one, or one for each day), the event `actual`. */
  record(event: Event, baseline: number | (number | null)[], actual: number, days = WEEKDAYS): void {
    const usagePoint = this.meter;
    days.forEach((day, at) => {
      const wh = typeof baseline === "number" ? baseline : baseline[at];
      if (wh !== null) recordHour(this.net, event, day, [{ usagePoint, register: 500_000 - day * 10_000, wh }]);
    });
    recordHour(this.net, event, 0, [{ usagePoint, register: 500_000, wh: actual }]);
  }
}

export function uints(...numbers: (number | bigint)[]) {
  return numbers.map((n) => Cl.uint(n));
}

export { enrolMeter };
