import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type Answer, MESSAGE_LEN, SILENCE, STANDING_LEN, UDP } from '../ipc/frames.js';
import { addressBytes } from './address.js';
import { goAwayFor } from './goaway.js';
import type { Place } from './tcp-listener.js';
import type { Hall } from './visitor.js';

/** Nothing is kept for a peer over UDP. */
const NO_STANDING = Buffer.alloc(STANDING_LEN);

/** One UDP socket: a message of 56 bytes goes to the judge, its answer back from the same socket. */
export class UdpListener {
  readonly #socket: Socket;

  /** @param family of the socket; IPv6 sockets take no IPv4 */
  constructor(
    family: 'udp4' | 'udp6',
    private readonly hall: Hall,
  ) {
    // A wildcard and an address on one port need SO_REUSEADDR on both (socket(7)).
    this.#socket = createSocket({
      type: family,
      reuseAddr: true,
      ipv6Only: family === 'udp6',
      lookup: asItIs,
    });
    this.#socket.on('message', (message, peer) => this.#receive(message, peer));
  }

  /** Resolves when the socket is bound; rejects with the system's error if it cannot be. */
  listen(place: Place): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      const options = 'fd' in place ? place : { address: place.host, port: place.port };
      this.#socket.bind({ ...options, exclusive: true }, () => {
        this.#socket.off('error', reject);
        // ICMP errors and full buffers concern one datagram, which its sender will repeat.
        this.#socket.on('error', () => undefined);
        resolve();
      });
    });
  }

  close(): void {
    this.#socket.close();
  }

  #receive(message: Buffer, peer: RemoteInfo): void {
    if (message.length !== MESSAGE_LEN) {
      return;
    }
    this.hall.ask({
      transport: UDP,
      address: addressBytes(peer.address),
      peerPort: peer.port,
      standing: NO_STANDING,
      message,
      isWanted: () => true,
      onAnswer: (answer) => this.#answer(answer, peer),
      onNoJudge: () => this.#apologise(message, peer),
    });
  }

  #answer(answer: Answer, peer: RemoteInfo): void {
    if (answer.kind !== SILENCE) {
      this.#send(answer.message, peer);
    }
  }

  #apologise(message: Buffer, peer: RemoteInfo): void {
    const answer = this.hall.policy === 'always' ? goAwayFor(message) : undefined;
    if (answer !== undefined) {
      this.#send(answer, peer);
    }
  }

  #send(message: Buffer, peer: RemoteInfo): void {
    this.#socket.send(message, peer.port, peer.address);
  }
}

/** Peers and places are addresses: there is no name to look up, and none to wait for. */
function asItIs(
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, address, 0);
}
