// WATT: SIP-010, minted up to a cap, locked for votes and always given back.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const CAP = 10n ** 15n;
const MAX = 2n ** 128n - 1n;
const HOLD_MAX = 2_592_000;

let net: Network;
let minter: string;
let alice: string;
let bob: string;
let voting: string;

const call = (name: string, args: any[], by: string) => net.call("reward-token", name, args, by);
const view = (name: string, args: any[] = []) => net.view("reward-token", name, args);
const mint = (amount: bigint | number, to = alice, by = minter) =>
  call("mint", [Cl.uint(amount), Cl.principal(to)], by);
const transfer = (amount: bigint | number, from = alice, to = bob, by = from) =>
  call("transfer", [Cl.uint(amount), Cl.principal(from), Cl.principal(to), Cl.none()], by);
const burn = (amount: bigint | number, holder = alice, by = holder) =>
  call("burn", [Cl.uint(amount), Cl.principal(holder)], by);
const lock = (amount: bigint | number, by = alice) => call("lock", [Cl.uint(amount)], by);
const unlock = (amount: bigint | number, by = alice) => call("unlock", [Cl.uint(amount)], by);
const hold = (until: number, who = alice, by = voting) => call("hold", [Cl.principal(who), Cl.uint(until)], by);
const balance = (who: string) => view("get-balance", [Cl.principal(who)]).ok;
const locked = (who: string) => view("get-locked", [Cl.principal(who)]);
const token = () => `${net.deployer}.reward-token`;

beforeEach(async () => {
  net = await Network.deployed();
  [minter, alice, bob, voting] = net.wallets;
  net.expectOk(net.grant(minter, "reward-minter"));
  net.expectOk(net.grant(voting, "governance"));
});

describe("reward-token", () => {
  it("tells wallets what it is", () => {
    expect(view("get-name").ok).toBe("Wattest Reward");
    expect(view("get-symbol").ok).toBe("WATT");
    expect(view("get-decimals").ok).toBe(6n);
    expect(view("get-token-uri").ok).toBe(null);
    expect(view("get-total-supply").ok).toBe(0n);
  });

  it("is minted by a reward-minter, up to the cap", () => {
    const outcome = mint(CAP - 1n);
    expectOk(outcome);
    expect(expectEvent(outcome, "reward-minted")).toMatchObject({ amount: CAP - 1n, recipient: alice, by: minter });
    expectErr(mint(2), 643);
    expectErr(mint(MAX), 643);
    expectOk(mint(1));
    expectErr(mint(1), 643);
    expectOk(burn(5));
    expectOk(mint(5));
    expect(view("get-totals")).toEqual({ minted: CAP + 5n, burned: 5n, locked: 0n });
  });

  it("is minted by nobody else, not in a pause, not for nothing and not into the locks", () => {
    expectErr(mint(1, alice, net.outsider), 640);
    expectErr(mint(1, alice, voting), 640);
    expectErr(mint(0), 642);
    expectErr(mint(1, token()), 640);
    expectOk(net.call("roles", "pause", []));
    expectErr(mint(1), 641);
  });

  it("moves at its sender's word, and not into the locks", () => {
    expectOk(mint(10));
    expectOk(transfer(4));
    expect([balance(alice), balance(bob)]).toEqual([6n, 4n]);
    expectErr(transfer(7), 1);
    expectErr(transfer(MAX), 1);
    expectErr(transfer(1, alice, alice), 2);
    expectErr(transfer(0), 3);
    expectErr(transfer(1, alice, bob, bob), 4);
    expectErr(transfer(1, alice, token()), 640);
    expectErr(transfer(1, token(), alice, alice), 4);
    const memo = [Cl.uint(1), Cl.principal(alice), Cl.principal(bob), Cl.some(Cl.buffer(Uint8Array.of(9)))];
    expectOk(call("transfer", memo, alice));
  });

  it("is burned by its holder", () => {
    expectOk(mint(10));
    expectOk(lock(3));
    expectErr(burn(8), 644);
    expectErr(burn(0), 642);
    expectErr(burn(1, alice, net.outsider), 640);
    expectErr(burn(1, token(), alice), 640);
    const outcome = burn(7);
    expectOk(outcome);
    expect(expectEvent(outcome, "reward-burned")).toMatchObject({ amount: 7n, holder: alice });
    expect(view("get-total-supply").ok).toBe(3n);
  });
});

describe("a contract between", () => {
  it("neither mints, burns, locks nor unlocks in its caller's name", () => {
    const proxy = net.deploy(
      "proxy",
      `(define-public (mint) (contract-call? '${token()} mint u1 tx-sender))
       (define-public (burn) (contract-call? '${token()} burn u1 tx-sender))
       (define-public (lock) (contract-call? '${token()} lock u1))
       (define-public (unlock) (contract-call? '${token()} unlock u1))
       (define-public (hold) (contract-call? '${token()} hold tx-sender u1))`,
    );
    expectOk(mint(10));
    expectOk(lock(5));
    const through = (name: string, by: string) => net.callAny(proxy, name, [], by);
    expectErr(through("mint", minter), 640);
    expectErr(through("burn", alice), 640);
    expectErr(through("lock", alice), 644);
    expectErr(through("unlock", alice), 645);
    expectErr(through("hold", voting), 640);
    expectErr(hold(MAX as any), 647);
  });
});

describe("a lock", () => {
  it("is its owner's weight until it is taken back", () => {
    expectOk(mint(10));
    const outcome = lock(4);
    expect(expectOk(outcome)).toBe(4n);
    expect(expectEvent(outcome, "reward-locked")).toMatchObject({ who: alice, amount: 4n, locked: 4n });
    expect(expectOk(lock(2))).toBe(6n);
    expect([balance(alice), locked(alice), view("get-total-locked")]).toEqual([4n, 6n, 6n]);
    expect(view("get-escrow")).toEqual({ owed: 6n, held: 6n });
    const back = unlock(5);
    expect(expectOk(back)).toBe(1n);
    expect(expectEvent(back, "reward-unlocked")).toMatchObject({ who: alice, amount: 5n, locked: 1n });
    expect([balance(alice), locked(alice), view("get-total-locked")]).toEqual([9n, 1n, 1n]);
  });

  it("is of something that its owner has", () => {
    expectOk(mint(10));
    expectErr(lock(0), 642);
    expectErr(lock(11), 644);
    expectErr(lock(MAX), 644);
    expectErr(lock(1, net.outsider), 644);
    expectOk(lock(10));
    expectErr(unlock(0), 642);
    expectErr(unlock(11), 645);
    expectErr(unlock(MAX), 645);
    expectErr(unlock(1, net.outsider), 645);
  });

  it("counts in votes that began after it was last added to", () => {
    expectOk(mint(10));
    expectOk(lock(4));
    const { since } = view("get-lock", [Cl.principal(alice)]);
    const before = (time: bigint) => view("get-locked-before", [Cl.principal(alice), Cl.uint(time)]);
    expect([before(since), before(since + 1n)]).toEqual([0n, 4n]);
    expectOk(lock(1));
    expect(before(since + 1n)).toBe(0n);
    expectOk(unlock(2));
    expect(before(since + 86_400n)).toBe(3n);
    expect(view("get-locked-before", [Cl.principal(bob), Cl.uint(4_000_000_000)])).toBe(0n);
  });

  it("is held by a vote until the vote is over, in a pause as well", () => {
    expectOk(mint(10));
    expectOk(lock(4));
    const end = net.now() + 5000;
    const outcome = hold(end);
    expect(expectOk(outcome)).toBe(BigInt(end));
    expect(expectEvent(outcome, "reward-held")).toMatchObject({ who: alice, until: BigInt(end) });
    expect(expectOk(hold(end - 2000))).toBe(BigInt(end));
    expectErr(unlock(1), 646);
    expectOk(net.call("roles", "pause", []));
    net.passTime(5001);
    expectOk(unlock(4));
  });

  it("is held by governance only, and not for ever", () => {
    expectErr(hold(1, alice, net.outsider), 640);
    expectErr(hold(1, alice, minter), 640);
    expectErr(hold(net.now() + HOLD_MAX + 1000), 647);
    expectOk(hold(net.now() + HOLD_MAX));
  });
});
