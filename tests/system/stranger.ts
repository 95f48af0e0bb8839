/**
 * A process of another user at the link: `stranger.js listen PATH` waits there as a door, `stranger.js connect PATH` comes
 * as a judge. Each event is a line on standard output: `ready`, `came`, `heard N` (bytes), `ended`.
 * Run as root; it becomes nobody before it opens a socket, so that SO_PEERCRED says so.
 */
import { createConnection, createServer, type Socket } from 'node:net';

/** Nobody: neither root nor any daemon's user. */
const NOBODY = 65_534;

function say(event: string): void {
  process.stdout.write(`${event}\n`);
}

function attend(socket: Socket): void {
  socket.on('data', ({ length }) => say(`heard ${length}`));
  socket.on('error', () => undefined);
  socket.on('close', () => say('ended'));
}

const [role, path = ''] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
if (role === 'listen') {
  const server = createServer((socket) => {
    say('came');
    attend(socket);
  });
  // Whoever likes may connect: the judge is to see who listens.
  server.listen({ path, writableAll: true }, () => say('ready'));
} else {
  const socket = createConnection(path, () => say('came'));
  attend(socket);
}
