/**
 * The load generator: a process inside the client's namespace, driven over Node's IPC channel. It does as little as
 * possible per message, because it shares the machine with the daemons it measures.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnvironment } from '../tests/system/process.js';
import type { Load, LoadResult, Programs, Reply, Request } from './calls.js';
import { type Prepared, prepare, runTcp, UdpClient, watch } from './exchange.js';

/** A UDP client per source, kept: a real client's socket is opened before its knock is timed. */
const udpClients = new Map<number, UdpClient>();

async function openUdpClients({ errands, address, port }: Load): Promise<void> {
  for (const { source } of errands) {
    if (!udpClients.has(source)) {
      udpClients.set(source, await UdpClient.open(source, address, port));
    }
  }
}

type Run = (errand: Prepared, done: (error?: Error) => void) => void;

function runner({ transport, address, port }: Load): Run {
  if (transport === 'tcp') return (errand, done) => runTcp(errand, address, port, done);
  return (errand, done) => {
    const client = udpClients.get(errand.source);
    if (client === undefined) throw new Error(`source ${errand.source} has no socket`);
    client.run(errand, done);
  };
}

async function load(args: Load): Promise<LoadResult> {
  if (args.transport === 'udp') await openUdpClients(args);
  const prepared = args.errands.map((errand) => prepare(errand, args.operation));
  return drive(prepared, args.clients, runner(args));
}

/** Runs errand n as client n modulo `clients`, the errands of one client one after the other. */
function drive(errands: readonly Prepared[], clients: number, run: Run): Promise<LoadResult> {
  const ms = new Float64Array(errands.length);
  let left = errands.length;
  return new Promise((resolve, reject) => {
    const stop = watch(
      () => left,
      () => reject(new Error(`no answer to ${left} of ${errands.length} errands`)),
    );
    const started = performance.now();
    const next = (place: number): void => {
      const errand = errands[place];
      if (errand === undefined) return;
      const from = performance.now();
      run(errand, (error) => {
        if (error !== undefined) {
          stop();
          reject(error);
          return;
        }
        const now = performance.now();
        ms[place] = now - from;
        left -= 1;
        if (left === 0) {
          stop();
          resolve({ ms, totalMs: now - started });
        }
        next(place + clients);
      });
    };
    for (let client = 0; client < clients; client += 1) next(client);
  });
}

async function runOnce([file = '', ...args]: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env: cleanEnvironment() });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [status] = await once(child, 'exit');
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`failed to run ${file} ${args.join(' ')}: ${said.trim()}`);
  return ms;
}

async function runPrograms({ command, times }: Programs): Promise<Float64Array> {
  const ms = new Float64Array(times);
  for (let n = 0; n < times; n += 1) ms[n] = await runOnce(command);
  return ms;
}

process.on('message', (message: unknown) => {
  const request = message as Request;
  const { id } = request;
  const result: Promise<LoadResult | Float64Array> =
    request.call === 'load' ? load(request.args) : runPrograms(request.args);
  const answer = (reply: Reply): void => void process.send?.(reply);
  result.then(
    (value) => answer({ id, value }),
    (error: Error) => answer({ id, error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
