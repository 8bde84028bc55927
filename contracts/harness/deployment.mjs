// What the deployment plan's transactions cost, measured on the real VM: another account deploys
// the same sources and makes the same calls, in the plan's order.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { initSimnet } from "@stacks/clarinet-sdk";
import { Cl } from "@stacks/transactions";
import { plan } from "./interfaces.mjs";
import { quietly } from "./quietly.mjs";

const ROOT = new URL("../", import.meta.url);

export async function deploymentCosts() {
  const { contracts, parameters, "after-deployment": steps } = await plan();
  const simnet = await initSimnet(new URL("Clarinet.toml", ROOT).pathname, true, {
    trackCosts: true,
    trackCoverage: false,
  });
  const deployer = simnet.getAccounts().get("wallet_1");
  const measured = { contracts: {}, calls: [] };
  for (const { name, path } of contracts) {
    const source = await readFile(new URL(path, ROOT), "utf8");
    const { costs } = quietly(() =>
      simnet.deployContract(name, source, { clarityVersion: 6 }, deployer), // throws if it is refused
    );
    const digest = createHash("sha256").update(source).digest("hex");
    measured.contracts[name] = { source: digest, costs: named(costs) };
  }
  const value = (written) => toClarity(written, deployer, parameters);
  for (const { contract, function: called, args } of carriedOut(steps)) {
    const { result, costs } = quietly(() =>
      simnet.callPublicFn(`${deployer}.${contract}`, called, args.map(value), deployer),
    );
    if (result.type !== "ok") throw new Error(`${contract} ${called}: ${Cl.prettyPrint(result)}`);
    measured.calls.push({ contract, function: called, costs: named(costs) });
  }
  return measured;
}

/** The steps that the deployer makes, as `oracle/chain/plan.py` has them. */
function carriedOut(steps) {
  return steps.flatMap(({ contract, function: called, arguments: args, who, role }) => {
    if (who !== undefined) {
      const holder = who === "deployer" ? { account: who } : { contract: who };
      return [{ contract, function: called, args: [holder, { ascii: role }] }];
    }
    return args === undefined ? [] : [{ contract, function: called, args }];
  });
}

function toClarity(written, deployer, parameters) {
  const [[kind, content]] = Object.entries(written);
  switch (kind) {
    case "uint":
      return Cl.uint(content);
    case "bool":
      return Cl.bool(content);
    case "ascii":
      return Cl.stringAscii(content);
    case "parameter":
      return Cl.uint(parameters[content].default);
    case "contract":
      return Cl.contractPrincipal(deployer, content);
    case "account":
      return Cl.principal(content === "deployer" ? deployer : content);
    default:
      throw new Error(`no argument of the kind ${kind}`);
  }
}

function named({ total }) {
  return {
    runtime: total.runtime,
    reads: total.readCount,
    read_bytes: total.readLength,
    writes: total.writeCount,
    write_bytes: total.writeLength,
  };
}

