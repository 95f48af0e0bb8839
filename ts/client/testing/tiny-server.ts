// A real server on loopback, as small as the protocol: for tests of the client's real sockets.

import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { NO_TOKEN, verify } from '../../wire/mac.js';
import {
  decode,
  encode,
  MESSAGE_LENGTH,
  type Message,
  type Operation,
} from '../../wire/message.js';

/** How a tiny server behaves. */
export interface Behaviour {
  /** Loopback address to listen at. */
  address: '127.0.0.1' | '::1';
  key: Uint8Array;
  tcp?: boolean;
  udp?: boolean;
  /** The port, 0 for any; both transports get the same. */
  port?: number;
  /** Datagrams to swallow before the first is answered. */
  deaf?: number;
}

/** Listens until closed; answers KNOCK and REVOKE by the protocol, GOAWAY where a MAC is wrong. */
export class TinyServer {
  /** Operations that were proven, in order. */
  readonly granted: Operation[] = [];
  readonly #behaviour: Behaviour;
  readonly #asked = new Map<string, { operation: Operation; token: Uint8Array }>();
  #tcp: Server | undefined;
  #udp: Socket | undefined;
  #deaf: number;

  private constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#deaf = behaviour.deaf ?? 0;
  }

  /** Starts one. */
  static async listen(behaviour: Behaviour): Promise<TinyServer> {
    const server = new TinyServer(behaviour);
    let port = behaviour.port ?? 0;
    if (behaviour.tcp === true) {
      port = await server.#listenTcp(port);
    }
    if (behaviour.udp === true) {
      await server.#listenUdp(port);
    }
    return server;
  }

  /** The port it listens at. */
  get port(): number {
    const address = this.#tcp?.address() ?? this.#udp?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  close(): void {
    this.#tcp?.close();
    this.#udp?.close();
  }

  async #listenTcp(port: number): Promise<number> {
    this.#tcp = createServer((socket) => {
      const peer = `tcp ${socket.remotePort}`;
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        for (let at = 0; at < bytes.length; at += MESSAGE_LENGTH) {
          const answer = this.#answer(peer, bytes.subarray(at, at + MESSAGE_LENGTH));
          if (answer !== undefined) {
            socket.write(answer);
          }
        }
      });
    });
    this.#tcp.listen(port, this.#behaviour.address);
    await once(this.#tcp, 'listening');
    return this.port;
  }

  async #listenUdp(port: number): Promise<void> {
    const socket = createSocket(this.#behaviour.address === '::1' ? 'udp6' : 'udp4');
    this.#udp = socket;
    socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
      if (this.#deaf > 0) {
        this.#deaf -= 1;
        return;
      }
      const answer = this.#answer(`udp ${from.port}`, bytes);
      if (answer !== undefined) {
        socket.send(answer, from.port, from.address);
      }
    });
    socket.bind(port, this.#behaviour.address);
    await once(socket, 'listening');
  }

  #answer(peer: string, bytes: Uint8Array): Buffer | undefined {
    const message = decode(bytes);
    const asked = this.#asked.get(peer);
    if (message?.operation === 'response') {
      const right = asked !== undefined && this.#proven(message, asked.token);
      if (right) {
        this.granted.push(asked.operation);
      }
      return reply(message, right ? 'comein' : 'goaway');
    }
    if (message === undefined || !this.#proven(message, NO_TOKEN)) {
      return message && reply(message, 'goaway');
    }
    const token = randomBytes(32);
    this.#asked.set(peer, { operation: message.operation, token });
    return reply(message, 'challenge', token);
  }

  #proven(message: Message, token: Uint8Array): boolean {
    return verify(this.#behaviour.key, message, token);
  }
}

function reply({ user, resource }: Message, operation: Operation, auth?: Uint8Array): Buffer {
  return encode({ operation, user, resource, salt: randomBytes(8), auth: auth ?? NO_TOKEN });
}
