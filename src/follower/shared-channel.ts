/**
 * A shared channel: brings the messages of many spaces over one subscription, each to the follower of its space.
 */
import type { Finder } from '../ports/finder.ts';
import type { Channels, Deliver, Link } from '../ports/store.ts';

export class SharedChannel implements Channels {
  readonly #finder: Finder;
  readonly #start: string;
  readonly #unknown: (space: string, message: string) => void;
  readonly #unwatch: () => void;
  readonly #listeners = new Map<string, Deliver>();
  /** Of the link as it is: it is gone with the link. */
  #subscribed: Promise<void> | undefined;

  /**
   * @param start what the names of the spaces begin with
   * @param link that of the messages
   * @param unknown is given the messages of spaces that nobody follows here
   */
  constructor(finder: Finder, start: string, link: Link, unknown: (space: string, message: string) => void) {
    this.#finder = finder;
    this.#start = start;
    this.#unknown = unknown;
    this.#unwatch = link.watch(() => {
      if (!link.up) this.#subscribed = undefined;
    });
  }

  /** Resolves once the one subscription is there. */
  open(): Promise<void> {
    if (this.#subscribed !== undefined) return this.#subscribed;
    const subscribed = this.#finder.subscribe(this.#start, this.#deliver);
    this.#subscribed = subscribed;
    subscribed.catch(() => {
      if (this.#subscribed === subscribed) this.#subscribed = undefined;
    });
    return subscribed;
  }

  subscribe(space: string, deliver: Deliver): Promise<void> {
    this.#listeners.set(space, deliver);
    return this.open();
  }

  async unsubscribe(space: string): Promise<void> {
    this.#listeners.delete(space);
  }

  close(): void {
    this.#unwatch();
    this.#listeners.clear();
    this.#finder.unsubscribe(this.#start, this.#deliver).catch(() => {});
  }

  readonly #deliver = (space: string, message: string): void => {
    const deliver = this.#listeners.get(space);
    if (deliver === undefined) this.#unknown(space, message);
    else deliver(message);
  };
}
