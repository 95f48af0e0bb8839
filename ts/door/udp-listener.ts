import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type Answer, MESSAGE_LEN, SILENCE, STANDING_LEN, UDP } from '../ipc/frames.js';
import { shareAddress } from '../native/host.js';
import { addressBytes } from './address.js';
import { goAwayFor } from './goaway.js';
import type { Hall } from './visitor.js';

/** Nothing is kept for a peer over UDP. */
const NO_STANDING = Buffer.alloc(STANDING_LEN);

/** One UDP socket: a message of 56 bytes goes to the judge, its answer back from the same socket. */
export class UdpListener {
  readonly #socket: Socket;
  #isOpen = true;

  /**
   * @param fd a bound socket, which now belongs to this object
   * @param family of the socket
   */
  constructor(
    private readonly fd: number,
    family: 'udp4' | 'udp6',
    private readonly hall: Hall,
  ) {
    this.#socket = createSocket({ type: family, lookup: asItIs });
    this.#socket.on('message', (message, peer) => this.#receive(message, peer));
    // ICMP errors and full buffers concern one datagram, which its sender will repeat.
    this.#socket.on('error', () => undefined);
    this.#socket.bind({ fd, exclusive: true });
  }

  /** Whether anybody's socket may be bound beside this one: only while we bind our own. */
  share(shared: boolean): void {
    shareAddress(this.fd, shared);
  }

  close(): void {
    this.#isOpen = false;
    this.#socket.close();
  }

  #receive(message: Buffer, peer: RemoteInfo): void {
    // Nothing can be sent to port 0, so nobody waits there (RFC 768, "Source Port").
    if (message.length !== MESSAGE_LEN || peer.port === 0) {
      return;
    }
    this.hall.ask({
      transport: UDP,
      address: addressBytes(peer.address),
      peerPort: peer.port,
      standing: NO_STANDING,
      message,
      isWanted: () => this.#isOpen,
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
    if (this.#isOpen) {
      this.#socket.send(message, peer.port, peer.address);
    }
  }
}

/** Peers are addresses: there is no name to look up, and none to wait for. */
function asItIs(
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void {
  done(null, address, 0);
}
