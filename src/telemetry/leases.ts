/** The leases of this process: the spaces that it leads, and when each lease was last renewed. */
import { CappedMap } from '../base/capped-map.ts';
import type { Observer } from '../ports/observer.ts';
import type { Time } from '../base/time.ts';

export class Leases {
  readonly #time: Time;
  readonly #led = new Set<string>();
  readonly #renewedAt = new CappedMap<number>();

  constructor(time: Time) {
    this.#time = time;
  }

  observer(): Observer {
    return {
      ownership: ({ space, ownership }) => {
        if (ownership === 'leading') this.#led.add(space);
        else this.#led.delete(space);
      },
      committed: ({ space, outcome }) => {
        if (outcome === 'committed') this.#renewedAt.set(space, this.#time.now());
      },
    };
  }

  isLed(space: string): boolean {
    return this.#led.has(space);
  }

  /** The time since the last commit of the space, ms; Infinity when there was none. */
  ageMs(space: string): number {
    return this.#time.now() - (this.#renewedAt.get(space) ?? -Infinity);
  }
}
