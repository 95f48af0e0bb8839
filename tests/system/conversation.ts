/** A raw conversation over TCP or UDP from a client's namespace: any bytes, well-formed or not. */
import type { ConversationState, OpenConversation } from './calls.js';
import type { Namespace } from './namespace.js';

/** How long `receive` waits for what does not come. */
const RECEIVE_MS = 1000;

export class Conversation {
  readonly #namespace: Namespace;
  readonly #id: number;
  readonly localPort: number;

  private constructor(namespace: Namespace, id: number, localPort: number) {
    this.#namespace = namespace;
    this.#id = id;
    this.localPort = localPort;
  }

  /** @throws when a TCP connection is refused or does not come in time. */
  static async open(namespace: Namespace, args: OpenConversation): Promise<Conversation> {
    const { id, localPort } = await namespace.call('open', args);
    return new Conversation(namespace, id, localPort);
  }

  /** Writes these bytes (TCP) or sends them as one datagram (UDP). */
  send(bytes: Uint8Array): Promise<void> {
    return this.#namespace.call('send', { id: this.#id, bytes });
  }

  /**
   * Waits until at least `bytes` bytes have come since the opening, or the peer ended it, or `timeoutMs` passed.
   * Returns everything received so far; `end` is `closed` or an errno once it is over.
   */
  receive(bytes: number, timeoutMs = RECEIVE_MS): Promise<ConversationState> {
    return this.#namespace.call('receive', { id: this.#id, bytes, timeoutMs });
  }

  close(): Promise<void> {
    return this.#namespace.call('close', { id: this.#id });
  }
}
