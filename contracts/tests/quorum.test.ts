// A window is attested by a quorum certificate and by nothing less: every way a list
// of signatures can be wrong, for committees of 4 to 31, with real signatures.

import { Cl } from "@stacks/transactions";
import { describe, expect, it, beforeAll } from "vitest";
import { ABSENT, certify, highS, nodeKey, PREVOTE, quorum, sign, slots, voteHash } from "../harness/committee.mjs";
import { hash32, windowSummary } from "../harness/entries.mjs";
import { Network } from "../harness/network.mjs";
import { expectErr, expectOk } from "./outcomes";

describe.each([4, 7, 13, 19, 31])("a committee of %i", (n) => {
  const q = quorum(n);
  let net: Network;
  let window = 900_000;
  const next = () => (window += 900);
  /** Submits a fresh window whose honest certificate was tampered with. */
  const forged = (forge: (honest: Uint8Array[], vote: any) => Uint8Array[], options: any = {}) =>
    net.submitWindow({ window: next() }, { forge, ...options });

  beforeAll(async () => {
    net = await Network.running(n);
  });

  it("attests with any quorum, and with everybody", () => {
    expectOk(net.submitWindow({ window: next() }));
    const last = slots(n).slice(n - q);
    expectOk(net.submitWindow({ window: next() }, { signers: last }));
    const { signers } = net.view("production-oracle", "get-signers", [Cl.uint(window), Cl.uint(0)]);
    expect(signers).toEqual(slots(n).map((slot) => last.includes(slot)));
    expectOk(net.submitWindow({ window: next() }, { signers: slots(n) }));
  });

  it("does not with one signature less", () => {
    expectErr(net.submitWindow({ window: next() }, { signers: slots(q - 1) }), 405);
    expectErr(net.submitWindow({ window: next() }, { signers: [] }), 405);
  });

  it("counts one signature once, in however many slots it stands", () => {
    expectErr(forged((honest) => honest.map(() => honest[0])), 405);
    const missing = slots(q - 1);
    expectErr(
      forged((honest) => honest.map((s) => (s === ABSENT ? honest[0] : s)), { signers: missing }),
      405,
    );
  });

  it("counts a malleated signature as the same slot's, not as another's", () => {
    expectErr(
      forged(
        (honest) => honest.map((s, slot) => (slot === q - 1 ? highS(honest[0]) : s)),
        { signers: slots(q - 1) },
      ),
      405,
    );
    expectOk(forged((honest) => honest.map((s) => (s === ABSENT ? s : highS(s)))));
  });

  it("refuses signatures in the wrong slots", () => {
    expectErr(forged((honest) => [...honest.slice(1), honest[0]]), 405);
    expectErr(forged((honest) => [...honest].reverse(), { signers: slots(n) }), 405);
  });

  it("refuses foreign keys", () => {
    const foreign = slots(n).map((slot) => nodeKey(`foreign ${slot}`));
    expectErr(net.submitWindow({ window: next() }, { keys: foreign }), 405);
    expectErr(
      forged((honest, vote) =>
        honest.map((s, slot) => (slot === 0 ? sign(voteHash(vote), foreign[0]) : s)),
      ),
      405,
    );
  });

  it("refuses bytes that are no signature", () => {
    const instead = (bytes: Uint8Array) =>
      forged((honest) => honest.map((s, slot) => (slot === 0 ? bytes : s)));
    expectErr(instead(new Uint8Array(65).fill(255)), 405);
    expectErr(instead(new Uint8Array(65)), 405);
    expectErr(instead(new Uint8Array(64).fill(1)), 405);
    expectErr(instead(new Uint8Array(1)), 405);
    expectErr(forged((honest) => honest.map((s) => s.slice(0, 64))), 405);
  });

  it("refuses a list with fewer or more slots than members", () => {
    expectErr(forged((honest) => honest.slice(0, n - 1), { signers: slots(n) }), 404);
    expectErr(forged(() => []), 404);
    if (n < 31) expectErr(forged((honest) => [...honest, ABSENT]), 404);
    if (n < 31) expectErr(forged((honest) => [...honest, honest[0]]), 404);
  });

  it("refuses votes on anything else: amount, height, previous, round, epoch, phase, network, nil", () => {
    const other = (change: any) => forged((_, vote) => certify({ ...vote, ...change }, net.committee, slots(n)));
    expectErr(other({ height: 77 }), 405);
    expectErr(other({ round: 1 }), 405);
    expectErr(other({ epoch: 2 }), 405);
    expectErr(other({ phase: PREVOTE }), 405);
    expectErr(other({ network: hash32("another network") }), 405);
    expectErr(other({ digest: hash32("another entry") }), 405);
    expectErr(other({ digest: null }), 405);
    const at = next();
    const sentBody = windowSummary({ window: at, importWh: 123_457 });
    expectErr(net.submitWindow({ window: at }, { sentBody, signers: slots(n) }), 405);
    expectErr(net.submitWindow({ window: at }, { sentRound: 3, signers: slots(n) }), 405);
  });

  it("attests beside invalid extra signatures, and does not count those as signers", () => {
    const outcome = forged((honest) => honest.map((s, slot) => (slot === n - 1 ? new Uint8Array(65).fill(7) : s)));
    expectOk(outcome);
    const signers = outcome.events
      .filter((event: any) => event.event === "print_event")
      .map((event: any) => event.data.value.value.signers.value.map((flag: any) => flag.type));
    expect(signers[0]).toEqual(slots(n).map((slot) => (slot < q ? "true" : "false")));
  });
});
