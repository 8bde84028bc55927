// ENERGY: SIP-010 for wallets, made by minters only, used up by holders only.

import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

const MAX = 2n ** 128n - 1n;

let net: Network;
let minter: string;
let alice: string;
let bob: string;

const call = (name: string, args: any[], by: string) => net.call("energy-token", name, args, by);
const view = (name: string, args: any[] = []) => net.view("energy-token", name, args);
const mint = (amount: bigint | number, to = alice, by = minter) =>
  call("mint", [Cl.uint(amount), Cl.principal(to)], by);
const burn = (amount: bigint | number, holder = alice, by = holder) =>
  call("burn", [Cl.uint(amount), Cl.principal(holder)], by);
const transfer = (amount: bigint | number, from = alice, to = bob, by = from, memo: any = Cl.none()) =>
  call("transfer", [Cl.uint(amount), Cl.principal(from), Cl.principal(to), memo], by);
const balance = (who: string) => view("get-balance", [Cl.principal(who)]).ok;

/** A contract that passes its caller's wish on. */
const PROXY = `
(define-public (burn (amount uint) (holder principal))
  (contract-call? '%.energy-token burn amount holder))
(define-public (mint (amount uint) (to principal))
  (contract-call? '%.energy-token mint amount to))
(define-public (take (amount uint) (holder principal))
  (contract-call? '%.energy-token transfer amount holder current-contract none))
(define-public (give (amount uint) (to principal))
  (contract-call? '%.energy-token transfer amount current-contract to none))`;
const proxy = () => net.deploy("proxy", PROXY.replaceAll("%", net.deployer));

beforeEach(async () => {
  net = await Network.deployed();
  [minter, alice, bob] = net.wallets;
  net.expectOk(net.grant(minter, "minter"));
});

describe("energy-token", () => {
  it("tells wallets what it is", () => {
    expect(view("get-name").ok).toBe("Wattest Energy");
    expect(view("get-symbol").ok).toBe("ENERGY");
    expect(view("get-decimals").ok).toBe(3n);
    expect(view("get-token-uri").ok).toBe(null);
    expect(view("get-total-supply").ok).toBe(0n);
  });

  it("has the trait of SIP-010", () => {
    const taker = net.deploy(
      "taker",
      `(use-trait sip-010 '${net.deployer}.traits-sip010.sip-010-trait)
       (define-public (supply (token <sip-010>)) (contract-call? token get-total-supply))`,
    );
    for (const token of ["energy-token", "reward-token"]) {
      const argument = Cl.contractPrincipal(net.deployer, token);
      expect(expectOk(net.callAny(taker, "supply", [argument], alice))).toBe(0n);
    }
  });

  it("is minted by a minter", () => {
    const outcome = mint(1500);
    expectOk(outcome);
    expect(expectEvent(outcome, "energy-minted")).toMatchObject({ amount: 1500n, recipient: alice, by: minter });
    expect(balance(alice)).toBe(1500n);
    expect(view("get-total-supply").ok).toBe(1500n);
    expectOk(mint(1, bob));
    expect(view("get-totals")).toEqual({ minted: 1501n, burned: 0n });
  });

  it("is minted by nobody else, not in a pause, and not for nothing", () => {
    expectErr(mint(1, alice, net.outsider), 620);
    expectErr(mint(1, alice, net.deployer), 620);
    expectErr(net.callAny(proxy(), "mint", [Cl.uint(1), Cl.principal(alice)], minter), 620);
    expectErr(mint(0), 622);
    expectErr(mint(MAX), 622);
    expectErr(mint(10n ** 15n + 1n), 622);
    expectOk(net.call("roles", "pause", []));
    expectErr(mint(1), 621);
    expectOk(net.call("roles", "unpause", []));
    expectOk(net.call("roles", "revoke-role", [Cl.principal(minter), Cl.stringAscii("minter")]));
    expectErr(mint(1), 620);
  });

  it("moves at its sender's word", () => {
    expectOk(mint(10));
    const outcome = transfer(4, alice, bob, alice, Cl.some(Cl.buffer(Uint8Array.of(7))));
    expectOk(outcome);
    expect(outcome.events.some(({ event }: any) => event === "ft_transfer_event")).toBe(true);
    expect([balance(alice), balance(bob)]).toEqual([6n, 4n]);
    expectOk(transfer(4, bob, alice));
    expect([balance(alice), balance(bob)]).toEqual([10n, 0n]);
  });

  it.each([
    ["more than there is", 11n, 1],
    ["as much as can be written", MAX, 1],
    ["nothing", 0n, 3],
  ])("does not move %s", (_, amount, code) => {
    expectOk(mint(10));
    expectErr(transfer(amount), code);
  });

  it("does not move to oneself, nor at another's word, and moves in a pause", () => {
    expectOk(mint(10));
    expectErr(transfer(1, alice, alice), 2);
    expectErr(transfer(1, alice, bob, bob), 4);
    expectErr(transfer(1, alice, bob, minter), 4);
    expectOk(net.call("roles", "pause", []));
    expectOk(transfer(1));
  });

  it("goes into a contract's escrow and out of it again", () => {
    expectOk(mint(10));
    const escrow = proxy();
    expectErr(net.callAny(escrow, "take", [Cl.uint(3), Cl.principal(alice)], bob), 4);
    expectOk(net.callAny(escrow, "take", [Cl.uint(3), Cl.principal(alice)], alice));
    expect(balance(escrow)).toBe(3n);
    expectErr(transfer(1, escrow, bob, bob), 4);
    expectOk(net.callAny(escrow, "give", [Cl.uint(3), Cl.principal(bob)], bob));
    expect([balance(escrow), balance(bob)]).toEqual([0n, 3n]);
  });

  it("is burned by its holder", () => {
    expectOk(mint(10));
    const outcome = burn(4);
    expectOk(outcome);
    expect(expectEvent(outcome, "energy-burned")).toMatchObject({ amount: 4n, holder: alice, by: alice });
    expectErr(burn(0), 622);
    expectErr(burn(7), 623);
    expectErr(burn(MAX), 623);
    expectErr(burn(1, alice, net.outsider), 620);
    expectErr(burn(1, alice, minter), 620);
    expect(view("get-totals")).toEqual({ minted: 10n, burned: 4n });
    expectOk(burn(6));
    expect(view("get-total-supply").ok).toBe(0n);
  });

  it("is burned by a burner for the holder who calls it, and for nobody else", () => {
    expectOk(mint(10));
    const burner = proxy();
    const through = (by: string) => net.callAny(burner, "burn", [Cl.uint(2), Cl.principal(alice)], by);
    expectErr(through(alice), 620);
    net.expectOk(net.grant(burner, "burner"));
    expectErr(through(bob), 620);
    expectOk(through(alice));
    expect(balance(alice)).toBe(8n);
  });
});
