import { MESSAGE_LENGTH } from '../wire/message.js';
import { answer, firstMessage, responseTo } from './errand.js';
import type { Channel, Endpoint } from './network.js';
import { type Failure, failureOf, type Outcome, type Reached } from './outcome.js';
import { place, type Tools, type Way, type WayEvents } from './way.js';

/** One exchange over one TCP connection. */
export class TcpWay implements Way {
  readonly #tools: Tools;
  readonly #endpoint: Endpoint;
  readonly #events: WayEvents;
  readonly #channel: Channel;
  /** The beginning of a message whose rest is still to come: under 56 bytes. If it never comes, it was not letmein. */
  #pending = Buffer.alloc(0);
  #reached: Reached = 'nothing';
  #over = false;

  constructor(tools: Tools, endpoint: Endpoint, events: WayEvents) {
    this.#tools = tools;
    this.#endpoint = endpoint;
    this.#events = events;
    this.#trace('connecting');
    this.#channel = tools.network.open('tcp', endpoint, {
      connected: () => this.#connected(),
      received: (bytes) => this.#received(bytes),
      failed: (code) => this.#failed(code),
    });
  }

  standing(): Failure {
    return this.#pending.length > 0
      ? { ...this.#where(), kind: 'stranger' }
      : { ...this.#where(), kind: 'silent', reached: this.#reached };
  }

  close(): void {
    this.#over = true;
    this.#channel.close();
  }

  #connected(): void {
    const { errand } = this.#tools;
    this.#trace(`connected, sending ${errand.operation.toUpperCase()}`);
    this.#reached = 'connected';
    this.#channel.send(firstMessage(errand));
    this.#events.progressed();
  }

  #received(bytes: Uint8Array): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (!this.#over && this.#pending.length >= MESSAGE_LENGTH) {
      const message = this.#pending.subarray(0, MESSAGE_LENGTH);
      this.#pending = this.#pending.subarray(MESSAGE_LENGTH);
      this.#take(message);
    }
  }

  #take(bytes: Uint8Array): void {
    const message = answer(this.#tools.errand, bytes);
    const operation = message?.operation;
    if (message !== undefined && operation === 'challenge' && this.#reached === 'connected') {
      this.#trace('CHALLENGE came, sending RESPONSE');
      this.#reached = 'challenged';
      this.#channel.send(responseTo(this.#tools.errand, message));
      this.#events.progressed();
    } else if (operation === 'comein' && this.#reached === 'challenged') {
      this.#trace('COMEIN');
      this.#end({ kind: 'open', endpoint: this.#endpoint, transport: 'tcp' });
    } else if (operation === 'goaway') {
      this.#trace('GOAWAY');
      this.#end({ ...this.#where(), kind: 'refused', reached: this.#reached });
    } else {
      this.#trace('an answer that does not belong here');
      this.#end({ ...this.#where(), kind: 'stranger' });
    }
  }

  #failed(code: string): void {
    this.#trace(code === 'END' ? 'closed by the server' : code);
    const standing = this.standing();
    const failure = failureOf(code, this.#endpoint, 'tcp', this.#reached);
    this.#end(standing.kind === 'stranger' ? standing : failure);
  }

  #end(outcome: Outcome): void {
    this.close();
    this.#events.ended(outcome);
  }

  #where() {
    return { endpoint: this.#endpoint, transports: ['tcp' as const] };
  }

  #trace(step: string): void {
    this.#tools.trace(`${place(this.#endpoint, ['tcp'])}: ${step}`);
  }
}
