/** Load from inside a namespace: so many datagrams or connections a second, of these bytes. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createConnection, type Socket } from 'node:net';
import type { Agent, Flood, FloodResult } from './calls.js';

/** How often a flood catches up with its rate. */
const TICK_MS = 2;

interface Running {
  readonly result: FloodResult;
  readonly started: number;
  readonly timer: NodeJS.Timeout;
  readonly end: () => void;
}

const floods = new Map<number, Running>();
let lastFlood = 0;

async function udpSockets(flood: Flood, result: FloodResult): Promise<UdpSocket[]> {
  const six = flood.address.includes(':');
  const sources = flood.from ?? [six ? '::' : '0.0.0.0'];
  const opened: Promise<UdpSocket>[] = [];
  for (const source of sources) {
    for (let n = 0; n < (flood.sockets ?? 1); n += 1) {
      opened.push(
        new Promise((resolve, reject) => {
          const socket = createSocket(six ? 'udp6' : 'udp4');
          socket.once('error', reject);
          socket.on('message', (bytes) => {
            result.answers += 1;
            result.answerBytes += bytes.length;
          });
          socket.bind(0, source, () => {
            socket.off('error', reject);
            socket.on('error', () => {
              result.errors += 1;
            });
            resolve(socket);
          });
        }),
      );
    }
  }
  return Promise.all(opened);
}

function connectOnce(flood: Flood, result: FloodResult, payload: Uint8Array): Socket {
  const from = flood.from?.[result.sent % flood.from.length];
  const socket = createConnection({
    host: flood.address,
    port: flood.port,
    noDelay: true,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  socket.once('connect', () => {
    result.connected += 1;
    if (flood.connections === 'drop') socket.write(payload, () => socket.destroy());
    else if (payload.length > 0) socket.write(payload);
  });
  socket.on('data', (bytes) => {
    result.answers += 1;
    result.answerBytes += bytes.length;
  });
  socket.once('end', () => {
    result.ended += 1;
  });
  socket.once('error', () => {
    result.errors += 1;
  });
  return socket;
}

/** Starts a flood; returns its id. */
export const floodStart: Agent['floodStart'] = async (flood) => {
  const result: FloodResult = {
    sent: 0,
    answers: 0,
    answerBytes: 0,
    connected: 0,
    ended: 0,
    errors: 0,
    ms: 0,
  };
  const udp = flood.transport === 'udp' ? await udpSockets(flood, result) : [];
  const tcp = new Set<Socket>();
  const once = (): void => {
    const payload = flood.payloads[result.sent % flood.payloads.length] ?? new Uint8Array();
    const socket = udp[result.sent % udp.length];
    if (socket !== undefined) {
      socket.send(payload, flood.port, flood.address);
    } else {
      const connection = connectOnce(flood, result, payload);
      tcp.add(connection);
      connection.once('close', () => tcp.delete(connection));
    }
    result.sent += 1;
  };
  const started = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - started) * flood.perSecond) / 1000;
    while (result.sent < due) once();
  }, TICK_MS);
  const end = (): void => {
    for (const socket of udp) socket.close();
    for (const socket of tcp) socket.destroy();
  };
  lastFlood += 1;
  floods.set(lastFlood, { result, started, timer, end });
  return lastFlood;
};

/** Ends a flood, closes its sockets, and returns what it did and saw. */
export const floodStop: Agent['floodStop'] = async ({ id }) => {
  const flood = floods.get(id);
  if (flood === undefined) throw new Error(`no flood ${id}`);
  floods.delete(id);
  clearInterval(flood.timer);
  flood.end();
  return { ...flood.result, ms: performance.now() - flood.started };
};
