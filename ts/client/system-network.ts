import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Channel, ChannelEvents, Clock, Endpoint, Network } from './network.js';
import { lookUp } from './resolver.js';

// Node's timers take signed 32-bit milliseconds, and fire at once when given more: 24 days are for ever here.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own monotonic clock and timers. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** The machine's own network. */
export const systemNetwork: Network = {
  lookup: lookUp,
  open: (transport, endpoint, events) =>
    transport === 'tcp' ? openTcp(endpoint, events) : openUdp(endpoint, events),
};

function openTcp({ address, port, family }: Endpoint, outer: ChannelEvents): Channel {
  const { events, silence } = untilOver(outer);
  // KNOCK and RESPONSE are single small writes: Nagle would only hold them back.
  const socket = connect({ host: address, port, family, noDelay: true });
  socket.on('connect', events.connected);
  socket.on('data', events.received);
  socket.on('error', (error) => events.failed(codeOf(error)));
  socket.on('end', () => events.failed('END'));
  return {
    send: (bytes) => socket.write(bytes),
    close: () => {
      silence();
      socket.destroy();
    },
  };
}

// Connected, so the kernel hands over only the server's own datagrams, and its ICMP errors.
function openUdp({ address, port, family }: Endpoint, outer: ChannelEvents): Channel {
  const { events, silence } = untilOver(outer);
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  const waiting: Uint8Array[] = [];
  let open = false;
  let closed = false;
  const failed = (error: Error | null | undefined) => error && events.failed(codeOf(error));
  const transmit = (bytes: Uint8Array) => socket.send(bytes, failed);
  socket.on('message', events.received);
  socket.on('error', failed);
  socket.on('connect', () => {
    open = true;
    waiting.splice(0).forEach(transmit);
  });
  socket.connect(port, address);
  return {
    send: (bytes) => (open ? transmit(bytes) : void waiting.push(bytes)),
    close: () => {
      silence();
      // A dgram socket throws when closed twice.
      if (!closed) {
        closed = true;
        socket.close();
      }
    },
  };
}

// Nothing is reported after the first failure, nor once silenced: late events of a closing socket reach nobody.
function untilOver(outer: ChannelEvents): { events: ChannelEvents; silence: () => void } {
  let over = false;
  const events: ChannelEvents = {
    connected: () => over || outer.connected(),
    received: (bytes) => over || outer.received(bytes),
    failed: (code) => {
      if (!over) {
        over = true;
        outer.failed(code);
      }
    },
  };
  return {
    events,
    silence: () => {
      over = true;
    },
  };
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
