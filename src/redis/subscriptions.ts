/** Who in this process listens to which channel. Redis is subscribed to a channel once, for all of them. */
import type { Deliver } from '../ports/store.ts';

export class Subscriptions {
  readonly #listeners = new Map<string, Set<Deliver>>();

  /** A listener that is added twice hears each message once. */
  add(channel: string, deliver: Deliver): void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(deliver));
  }

  /** Gives true where this was the last one of its channel: Redis need not send it any more. */
  remove(channel: string, deliver: Deliver): boolean {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(deliver);
    return listeners?.size === 0 && this.#listeners.delete(channel);
  }

  deliver(channel: string, message: string): void {
    for (const deliver of this.#listeners.get(channel) ?? []) deliver(message);
  }
}
