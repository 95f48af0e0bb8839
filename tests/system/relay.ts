/**
 * A forwarder with a delay, for round trips on kernels without netem, and for many clients behind one address:
 * all that goes through it arrives at the server from the address of the relay's namespace.
 * UDP keeps its datagrams and its source ports apart (one outgoing socket per incoming address and port, as a NAT does).
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, Socket } from 'node:net';
import type { Agent, Relay } from './calls.js';

function relayUdp(relay: Relay): Promise<void> {
  const type = relay.address.includes(':') ? 'udp6' : 'udp4';
  const targetType = relay.targetAddress.includes(':') ? 'udp6' : 'udp4';
  const listener = createSocket(type);
  const flows = new Map<string, UdpSocket>();
  const flowFor = (address: string, port: number): UdpSocket => {
    const key = `${address} ${port}`;
    const known = flows.get(key);
    if (known !== undefined) return known;
    const flow = createSocket(targetType);
    flow.on('error', () => {});
    flow.on('message', (bytes) => {
      setTimeout(() => listener.send(bytes, port, address), relay.delayMs);
    });
    flows.set(key, flow);
    return flow;
  };
  listener.on('message', (bytes, from) => {
    const flow = flowFor(from.address, from.port);
    setTimeout(() => flow.send(bytes, relay.targetPort, relay.targetAddress), relay.delayMs);
  });
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.bind(relay.port, relay.address, resolve);
  });
}

/** One direction; order is kept, because timers of one length fire in order. */
function pump(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (bytes) => setTimeout(() => to.write(bytes), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => setTimeout(() => to.destroy(), delayMs));
}

/**
 * The handshake takes a round trip, as from afar: what the near side says at once reaches the server with its ACK,
 * and no connection is silent merely because its first bytes are still on their way.
 */
function relayTcp(relay: Relay): Promise<void> {
  const { delayMs } = relay;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
    near.on('error', () => near.destroy());
    setTimeout(() => {
      const far = new Socket({ allowHalfOpen: true });
      // Before the first bytes, whose timer is as long and set later.
      setTimeout(() => {
        far.connect({ host: relay.targetAddress, port: relay.targetPort }).setNoDelay(true);
      }, delayMs);
      pump(near, far, delayMs);
      pump(far, near, delayMs);
      near.resume();
    }, 2 * delayMs);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: relay.address, port: relay.port }, resolve);
  });
}

/** Starts forwarding TCP and UDP; lasts as long as the agent. */
export const relayStart: Agent['relayStart'] = async (relay) => {
  await Promise.all([relayUdp(relay), relayTcp(relay)]);
};
