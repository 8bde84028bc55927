/** The devnet's process: options in, one "ready" line out, a clean end on a signal. What it serves is in `src/`. */
import { Devnet } from './src/devnet.mjs';
import { httpServer } from './src/http/server.mjs';
import { log } from './src/log.mjs';
import { USAGE, readOptions } from './src/options.mjs';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function main() {
  const { options, faults } = readOptions(process.argv.slice(2));
  if (options === null) {
    for (const fault of faults) process.stderr.write(`${fault}\n`);
    (faults.length === 0 ? process.stdout : process.stderr).write(USAGE);
    process.exitCode = faults.length === 0 ? 0 : EXIT_USAGE;
    return;
  }
  const devnet = await Devnet.open(options, log, fail);
  const server = httpServer(devnet, log);
  await listen(server, options);
  onSignal(async (signal) => {
    log('stopping', { signal });
    server.closeAllConnections();
    server.close();
    await devnet.stop();
    process.exit(0);
  });
  devnet.start();
  process.stdout.write(`${JSON.stringify({ ready: true, port: server.address().port })}\n`);
}

function listen(server, { host, port }) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function onSignal(stop) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop(signal).catch(fail));
}

function fail(error) {
  log('failed', { error: String(error?.stack ?? error) });
  process.exit(EXIT_FAILED);
}

main().catch(fail);
