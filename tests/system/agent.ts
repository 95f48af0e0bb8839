/**
 * The probe agent: one Node process that lives inside a network namespace and keeps it alive.
 *
 * The harness drives it over Node's IPC channel (see `namespace.ts`); when the test process goes away,
 * for whatever reason, the channel closes, the agent exits, and the namespace goes with it.
 * Everything here is a client's or a server's behaviour on the wire, well-behaved or not; no letmein code.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type {
  Agent,
  ConversationState,
  OpenConversation,
  ProbeResult,
  Reply,
  Request,
} from './calls.js';
import { floodStart, floodStop } from './flood.js';
import { relayStart } from './relay.js';

/** A TCP stream or UDP socket opened by `open`, with what it has received so far. */
interface Conversation {
  readonly socket: Socket | UdpSocket;
  readonly state: ConversationState;
  /** Called after every change of `state`; wakes `receive`. */
  changed: () => void;
}

/** What a UDP probe sends; the echo must return exactly this. */
const PROBE_BYTES = Buffer.from('letmein probe');

const conversations = new Map<number, Conversation>();
/** Kept only so that listeners live as long as the agent. */
const listeners: (Server | UdpSocket)[] = [];
let lastConversation = 0;

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

function udpSocketFor(address: string): UdpSocket {
  return createSocket(
    familyOf(address) === 6 ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' },
  );
}

function errorCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

async function probeTcp(args: Parameters<Agent['probeTcp']>[0]): Promise<ProbeResult> {
  const socket = createConnection({
    host: args.address,
    port: args.port,
    ...(args.from === undefined ? {} : { localAddress: args.from }),
  });
  return new Promise((resolve) => {
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(finish, args.timeoutMs, 'dropped');
    socket.once('connect', () => finish('open'));
    socket.once('error', (error) => {
      finish(errorCode(error) === 'ECONNREFUSED' ? 'refused' : `error ${errorCode(error)}`);
    });
  });
}

async function probeUdp(args: Parameters<Agent['probeUdp']>[0]): Promise<ProbeResult> {
  const socket = udpSocketFor(args.address);
  return new Promise((resolve) => {
    const finish = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(finish, args.timeoutMs, 'dropped');
    socket.once('message', (bytes) => finish(bytes.equals(PROBE_BYTES) ? 'open' : 'error echo'));
    socket.once('error', (error) => {
      finish(errorCode(error) === 'ECONNREFUSED' ? 'refused' : `error ${errorCode(error)}`);
    });
    // Connected, so that an ICMP "port unreachable" is reported as ECONNREFUSED.
    const connect = (): void =>
      socket.connect(args.port, args.address, () => socket.send(PROBE_BYTES));
    if (args.from === undefined) connect();
    else socket.bind(0, args.from, connect);
  });
}

async function listenTcp(args: Parameters<Agent['listenTcp']>[0]): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (args.greeting === undefined) socket.pipe(socket);
    else socket.end(args.greeting);
  });
  listeners.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: args.address, port: args.port, ipv6Only: true }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : args.port);
    });
  });
}

async function listenUdp(args: Parameters<Agent['listenUdp']>[0]): Promise<number> {
  const socket = udpSocketFor(args.address);
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  listeners.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(args.port, args.address, () => resolve(socket.address().port));
  });
}

function freshState(localPort: number): ConversationState {
  return { localPort, datagrams: [], bytes: Buffer.alloc(0), end: undefined };
}

function adopt(socket: Socket | UdpSocket, localPort: number): [number, Conversation] {
  const conversation: Conversation = { socket, state: freshState(localPort), changed: () => {} };
  lastConversation += 1;
  conversations.set(lastConversation, conversation);
  return [lastConversation, conversation];
}

async function openTcp(args: OpenConversation): Promise<{ id: number; localPort: number }> {
  const socket = createConnection({
    host: args.address,
    port: args.port,
    noDelay: true,
    ...(args.from === undefined ? {} : { localAddress: args.from }),
    ...(args.fromPort === undefined ? {} : { localPort: args.fromPort }),
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`connect ${args.address} port ${args.port}: no answer`));
    }, args.timeoutMs);
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(timer);
      const localPort = socket.localPort ?? 0;
      const [id, conversation] = adopt(socket, localPort);
      const state = conversation.state;
      socket.on('data', (bytes) => {
        state.bytes = Buffer.concat([state.bytes, bytes]);
        conversation.changed();
      });
      socket.on('error', (error) => {
        state.end ??= errorCode(error);
        conversation.changed();
      });
      socket.on('close', () => {
        state.end ??= 'closed';
        conversation.changed();
      });
      resolve({ id, localPort });
    });
  });
}

async function openUdp(args: OpenConversation): Promise<{ id: number; localPort: number }> {
  const socket = udpSocketFor(args.address);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const any = familyOf(args.address) === 6 ? '::' : '0.0.0.0';
    // Not connected: an answer from another address than the one asked must be seen, not filtered.
    socket.bind(args.fromPort ?? 0, args.from ?? any, () => {
      const localPort = socket.address().port;
      const [id, conversation] = adopt(socket, localPort);
      const state = conversation.state;
      socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
        state.datagrams.push({ bytes, address: from.address, port: from.port });
        state.bytes = Buffer.concat([state.bytes, bytes]);
        conversation.changed();
      });
      socket.on('error', (error) => {
        state.end ??= errorCode(error);
        conversation.changed();
      });
      targets.set(socket, { address: args.address, port: args.port });
      resolve({ id, localPort });
    });
  });
}

/** Where the unconnected UDP sockets send to. */
const targets = new Map<UdpSocket, { address: string; port: number }>();

function conversation(id: number): Conversation {
  const found = conversations.get(id);
  if (found === undefined) throw new Error(`no conversation ${id}`);
  return found;
}

async function send(args: Parameters<Agent['send']>[0]): Promise<void> {
  const { socket } = conversation(args.id);
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if ('write' in socket) {
      socket.write(args.bytes, done);
      return;
    }
    const target = targets.get(socket);
    if (target === undefined) throw new Error(`conversation ${args.id} has no target`);
    socket.send(args.bytes, target.port, target.address, done);
  });
}

async function receive(args: Parameters<Agent['receive']>[0]): Promise<ConversationState> {
  const found = conversation(args.id);
  const { state } = found;
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      found.changed = () => {};
      resolve({ ...state, datagrams: [...state.datagrams] });
    };
    const timer = setTimeout(finish, args.timeoutMs);
    found.changed = () => {
      if (state.bytes.length >= args.bytes || state.end !== undefined) finish();
    };
    found.changed();
  });
}

async function close(args: { id: number }): Promise<void> {
  const { socket } = conversation(args.id);
  conversations.delete(args.id);
  if ('destroy' in socket) socket.destroy();
  else socket.close();
}

const agent: Agent = {
  probeTcp,
  probeUdp,
  listenTcp,
  listenUdp,
  open: async (args) => (args.transport === 'tcp' ? openTcp(args) : openUdp(args)),
  send,
  receive,
  close,
  floodStart,
  floodStop,
  relayStart,
};

process.on('message', (message: unknown) => {
  const { id, call, args } = message as Request;
  // The union of all argument types cannot be matched to the union of all functions: the pair comes
  // typed from Namespace.call, the only sender.
  const run = agent[call] as (args: unknown) => Promise<unknown>;
  const answer = (reply: Reply): void => {
    if (process.connected) process.send?.(reply);
  };
  run(args).then(
    (value) => answer({ id, value }),
    (error: Error) => answer({ id, error: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, value: 'ready' } satisfies Reply);
