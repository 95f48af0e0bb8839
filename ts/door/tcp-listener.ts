import { createServer, type Server, type Socket } from 'node:net';
import type { Slots } from './slots.js';
import { type Hall, Visitor } from './visitor.js';

/** Where to listen: an inherited descriptor, or a local address. */
export type Place = { readonly fd: number } | { readonly host: string; readonly port: number };

/** One listening TCP socket: every connection that gets a slot becomes a visitor. */
export class TcpListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(
    private readonly slots: Slots,
    private readonly hall: Hall,
  ) {
    this.#server = createServer((socket) => this.#receive(socket));
  }

  /** Resolves when the socket listens; rejects with the system's error if it cannot. */
  listen(place: Place): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      const options = 'fd' in place ? place : { ...place, ipv6Only: true };
      this.#server.listen(options, () => {
        this.#server.off('error', reject);
        // What accept() reports later (out of descriptors) is over with the connection it concerns.
        this.#server.on('error', () => undefined);
        resolve();
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  #receive(socket: Socket): void {
    const visitor = new Visitor(socket, this.hall);
    if (!this.slots.admit(visitor)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    visitor.enter(() => {
      this.#sockets.delete(socket);
      this.slots.leave(visitor);
    });
  }
}
