// @ts-check
/** The demo's client program: connects, prints what the service says. `demo-connect.mjs ADDRESS PORT` */
import { createConnection } from 'node:net';

/** A dropped SYN is never answered; an honest answer inside this machine takes microseconds. */
const TIMEOUT_MS = 1000;

const [address = '', port = ''] = process.argv.slice(2);
const socket = createConnection({ host: address, port: Number(port) });
const timer = setTimeout(() => finish('no answer (dropped)', 1), TIMEOUT_MS);

/**
 * @param {string} line
 * @param {number} status
 */
function finish(line, status) {
  clearTimeout(timer);
  socket.destroy();
  process.stdout.write(`${line}\n`);
  process.exitCode = status;
}

socket.once('data', (bytes) => finish(`connected: ${bytes.toString().trim()}`, 0));
socket.once('error', (error) => finish(error.message, 1));
