import type { Message } from '../wire/message.js';
import { answer, firstMessage, responseTo } from './errand.js';
import type { Channel, Endpoint, Stop } from './network.js';
import { type Failure, failureOf, type Outcome, type Reached } from './outcome.js';
import { place, type Tools, type Way, type WayEvents } from './way.js';

/**
 * When an unanswered KNOCK is repeated, in ms after the first. Each time from a fresh socket: a server that holds a
 * slot per source port takes a second KNOCK on the same one for a wrong operation.
 */
export const KNOCK_REPEATS_MS = [500, 1000, 2000] as const;
/** When an unanswered RESPONSE is repeated, once, in ms: the same bytes, which the server knows again. */
export const RESPONSE_REPEAT_MS = 1000;

/**
 * One socket's state: `knocked` waits for a CHALLENGE; `challenged` got one while another socket was answering its own;
 * `responded` waits for COMEIN; `over` is closed.
 */
interface Socket {
  number: number;
  channel: Channel;
  state: 'knocked' | 'challenged' | 'responded' | 'over';
  challenge: Message | undefined;
}

/** One errand over up to four UDP sockets. */
export class UdpWay implements Way {
  readonly #tools: Tools;
  readonly #endpoint: Endpoint;
  readonly #events: WayEvents;
  readonly #sockets: Socket[] = [];
  readonly #timers: Stop[] = [];
  /** GOAWAY or an ICMP error of a socket that is over: the result, if no other socket does better. */
  #failure: Failure | undefined;
  #challenged = false;
  #over = false;

  constructor(tools: Tools, endpoint: Endpoint, events: WayEvents) {
    this.#tools = tools;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#knock();
    for (const ms of KNOCK_REPEATS_MS) {
      this.#timers.push(tools.clock.after(ms, () => this.#challenged || this.#knock()));
    }
  }

  standing(): Failure {
    const failure: Failure = this.#failure ?? {
      ...this.#where(),
      kind: 'silent',
      reached: 'nothing',
    };
    // By any of the sockets: the key is the same on all.
    return 'reached' in failure ? { ...failure, reached: this.#reached() } : failure;
  }

  close(): void {
    this.#over = true;
    for (const stop of this.#timers) {
      stop();
    }
    for (const socket of this.#sockets) {
      this.#shut(socket);
    }
  }

  #knock(): void {
    const { network, errand } = this.#tools;
    const number = this.#sockets.length + 1;
    const channel = network.open('udp', this.#endpoint, {
      connected: () => {},
      received: (bytes) => this.#received(socket, bytes),
      failed: (code) => this.#failed(socket, code),
    });
    const socket: Socket = { number, channel, state: 'knocked', challenge: undefined };
    this.#sockets.push(socket);
    this.#trace(socket, `sending ${errand.operation.toUpperCase()}`);
    channel.send(firstMessage(errand));
  }

  // Anyone may forge a datagram: what does not fit is ignored, and never ends anything but its own socket.
  #received(socket: Socket, bytes: Uint8Array): void {
    const message = answer(this.#tools.errand, bytes);
    if (message?.operation === 'challenge' && socket.state === 'knocked') {
      this.#challengeCame(socket, message);
    } else if (message?.operation === 'comein' && socket.state === 'responded') {
      this.#trace(socket, 'COMEIN');
      this.#end({ kind: 'open', endpoint: this.#endpoint, transport: 'udp' });
    } else if (message?.operation === 'goaway') {
      this.#trace(socket, 'GOAWAY');
      this.#lost(socket, { ...this.#where(), kind: 'refused', reached: this.#reached() });
    } else {
      this.#trace(socket, 'ignored a datagram that does not belong here');
    }
  }

  #challengeCame(socket: Socket, challenge: Message): void {
    socket.state = 'challenged';
    socket.challenge = challenge;
    this.#challenged = true;
    if (this.#sockets.some((other) => other.state === 'responded')) {
      this.#trace(socket, 'another CHALLENGE, kept in reserve');
      return;
    }
    this.#respond(socket, challenge);
    this.#events.progressed();
  }

  #respond(socket: Socket, challenge: Message): void {
    const response = responseTo(this.#tools.errand, challenge);
    this.#trace(socket, 'CHALLENGE came, sending RESPONSE');
    socket.state = 'responded';
    socket.channel.send(response);
    const repeat = () => {
      if (socket.state === 'responded') {
        this.#trace(socket, 'sending RESPONSE again');
        socket.channel.send(response);
      }
    };
    this.#timers.push(this.#tools.clock.after(RESPONSE_REPEAT_MS, repeat));
  }

  #failed(socket: Socket, code: string): void {
    this.#trace(socket, code);
    this.#lost(socket, failureOf(code, this.#endpoint, 'udp', 'nothing'));
  }

  // A refusal is not authenticated, so it counts only when no socket is left that could still bring a COMEIN.
  #lost(socket: Socket, failure: Failure): void {
    this.#shut(socket);
    if (this.#failure?.kind !== 'refused') {
      this.#failure = failure;
    }
    const reserve = this.#sockets.find((other) => other.state === 'challenged');
    const responding = this.#sockets.some((other) => other.state === 'responded');
    if (!responding && reserve?.challenge !== undefined) {
      this.#respond(reserve, reserve.challenge);
    } else if (this.#sockets.every((other) => other.state === 'over')) {
      this.#end(this.standing());
    }
  }

  #end(outcome: Outcome): void {
    if (!this.#over) {
      this.close();
      this.#events.ended(outcome);
    }
  }

  #shut(socket: Socket): void {
    socket.state = 'over';
    socket.channel.close();
  }

  #reached(): Reached {
    return this.#challenged ? 'challenged' : 'nothing';
  }

  #where() {
    return { endpoint: this.#endpoint, transports: ['udp' as const] };
  }

  #trace(socket: Socket, step: string): void {
    this.#tools.trace(`${place(this.#endpoint, ['udp'])} socket ${socket.number}: ${step}`);
  }
}
