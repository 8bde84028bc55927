import { Cl } from "@stacks/transactions";
import { beforeEach, describe, expect, it } from "vitest";
import { Network } from "../harness/network.mjs";
import { expectErr, expectEvent, expectOk } from "./outcomes";

let net: Network;
let deployer: string;
let alice: string;
let bob: string;
let outsider: string;

const role = (name: string) => Cl.stringAscii(name);
const grant = (who: string, name: string, by = deployer) =>
  net.call("roles", "grant-role", [Cl.principal(who), role(name)], by);
const revoke = (who: string, name: string, by = deployer) =>
  net.call("roles", "revoke-role", [Cl.principal(who), role(name)], by);
const holds = (who: string, name: string) =>
  net.view("roles", "has-role", [Cl.principal(who), role(name)]);
const transfer = (to: string, by = deployer) =>
  net.call("roles", "transfer-governor", [Cl.principal(to)], by);
const simple = (name: string, by = deployer) => net.call("roles", name, [], by);

beforeEach(async () => {
  net = await Network.deployed();
  deployer = net.deployer;
  [alice, bob] = net.wallets;
  outsider = net.outsider;
});

describe("from deployment", () => {
  it("the deployer is the only governor", () => {
    expect(holds(deployer, "governor")).toBe(true);
    expect(holds(alice, "governor")).toBe(false);
    expect(net.view("roles", "get-governor-count")).toBe(1n);
    expect(net.view("roles", "is-governor", [Cl.principal(deployer)])).toBe(true);
  });

  it("nothing is paused", () => {
    expect(net.view("roles", "is-paused")).toBe(false);
  });
});

describe("grant-role", () => {
  it("gives a role and says so", () => {
    const outcome = grant(alice, "verifier");
    expectOk(outcome);
    expect(holds(alice, "verifier")).toBe(true);
    expect(expectEvent(outcome, "role-granted")).toMatchObject({ role: "verifier" });
  });

  it("adds a second governor and keeps the first", () => {
    expectOk(grant(alice, "governor"));
    expect(net.view("roles", "get-governor-count")).toBe(2n);
    expectOk(grant(bob, "verifier", alice));
    expectOk(grant(bob, "guardian"));
  });

  it("refuses a caller who is no governor, even a guardian", () => {
    expectErr(grant(outsider, "governor", outsider), 100);
    expectOk(grant(alice, "guardian"));
    expectErr(grant(bob, "guardian", alice), 100);
  });

  it("refuses a role held already", () => {
    expectOk(grant(alice, "verifier"));
    expectErr(grant(alice, "verifier"), 101);
    expectErr(grant(deployer, "governor"), 101);
  });

  it("refuses a role without a name", () => expectErr(grant(alice, ""), 104));

  it("judges the contract that calls, not the governor who signed", () => {
    const lure = net.deploy(
      "lure",
      `(define-public (free-money) (contract-call? '${deployer}.roles grant-role tx-sender "governor"))`,
      outsider,
    );
    expectErr(net.callAny(lure, "free-money", [], deployer), 100);
  });
});

describe("revoke-role", () => {
  it("takes a role away and says so", () => {
    expectOk(grant(alice, "verifier"));
    expectEvent(revoke(alice, "verifier"), "role-revoked");
    expect(holds(alice, "verifier")).toBe(false);
  });

  it("refuses a caller who is no governor", () => {
    expectErr(revoke(deployer, "governor", outsider), 100);
  });

  it("refuses what is not held", () => expectErr(revoke(alice, "verifier"), 102));

  it("never removes the last governor", () => {
    expectErr(revoke(deployer, "governor"), 103);
    expectOk(grant(alice, "governor"));
    expectOk(revoke(deployer, "governor", alice));
    expectErr(revoke(alice, "governor", alice), 103);
    expect(net.view("roles", "get-governor-count")).toBe(1n);
  });
});

describe("handing governance over", () => {
  it("takes two steps: the offer changes nothing, the acceptance moves the role", () => {
    expectEvent(transfer(alice), "governor-transfer-offered");
    expect(holds(alice, "governor")).toBe(false);
    expectEvent(simple("accept-governor", alice), "governor-transferred");
    expect(holds(alice, "governor")).toBe(true);
    expect(holds(deployer, "governor")).toBe(false);
    expect(net.view("roles", "get-governor-count")).toBe(1n);
    expect(net.view("roles", "get-pending-transfer")).toBe(null);
  });

  it("is offered by governors only, and not to a governor", () => {
    expectErr(transfer(outsider, outsider), 100);
    expectErr(transfer(deployer), 101);
  });

  it("is accepted by the one named only, and once", () => {
    expectErr(simple("accept-governor", alice), 105);
    expectOk(transfer(alice));
    expectErr(simple("accept-governor", outsider), 105);
    expectOk(simple("accept-governor", alice));
    expectErr(simple("accept-governor", alice), 105);
  });

  it("goes to the later of two offers", () => {
    expectOk(transfer(alice));
    expectOk(transfer(bob));
    expectErr(simple("accept-governor", alice), 105);
    expectOk(simple("accept-governor", bob));
  });

  it("can be called off by a governor only", () => {
    expectErr(simple("cancel-governor-transfer"), 105);
    expectOk(transfer(alice));
    expectErr(simple("cancel-governor-transfer", outsider), 100);
    expectEvent(simple("cancel-governor-transfer"), "governor-transfer-cancelled");
    expectErr(simple("accept-governor", alice), 105);
  });

  it("fails if the one who offered governs no more", () => {
    expectOk(transfer(alice));
    expectOk(grant(bob, "governor"));
    expectOk(revoke(deployer, "governor", bob));
    expectErr(simple("accept-governor", alice), 102);
  });

  it("fails if the one named became a governor otherwise", () => {
    expectOk(transfer(alice));
    expectOk(grant(alice, "governor"));
    expectErr(simple("accept-governor", alice), 101);
    expect(net.view("roles", "get-governor-count")).toBe(2n);
  });
});

describe("the pause", () => {
  it("is set by governors and guardians", () => {
    expectEvent(simple("pause"), "paused");
    expectEvent(simple("unpause"), "unpaused");
    expectOk(grant(alice, "guardian"));
    expectOk(simple("pause", alice));
    expect(net.view("roles", "is-paused")).toBe(true);
  });

  it("refuses outsiders and a second time", () => {
    expectErr(simple("pause", outsider), 100);
    expectOk(simple("pause"));
    expectErr(simple("pause"), 106);
  });

  it("is lifted by governors only, and only if set", () => {
    expectErr(simple("unpause"), 107);
    expectOk(grant(alice, "guardian"));
    expectOk(simple("pause", alice));
    expectErr(simple("unpause", alice), 100);
    expectErr(simple("unpause", outsider), 100);
    expectOk(simple("unpause"));
    expect(net.view("roles", "is-paused")).toBe(false);
  });

  it("leaves the way back and the recovery of roles open", () => {
    expectOk(grant(alice, "guardian"));
    expectOk(simple("pause", alice));
    expectOk(revoke(alice, "guardian"));
    expectOk(transfer(bob));
    expectOk(simple("accept-governor", bob));
    expectOk(simple("unpause", bob));
  });
});
