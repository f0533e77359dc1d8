/** The time that each participant of a process has spent in each mode. */
import { CappedMap } from '../base/capped-map.ts';
import type { Mode } from '../state/mode.ts';
import type { Observer, Role } from '../ports/observer.ts';
import type { Time } from '../base/time.ts';

interface Spent {
  mode: Mode;
  since: number;
  readonly ms: Map<Mode, number>;
}

export class ModeTimes {
  readonly #time: Time;
  readonly #participants = new CappedMap<Spent>();

  constructor(time: Time) {
    this.#time = time;
  }

  observer(): Observer {
    return {
      opened: ({ space, role }) => this.#enter(space, role, 'recovering'),
      mode: ({ space, role, mode }) => this.#enter(space, role, mode),
    };
  }

  /** The time spent in each mode up to now, ms. */
  of(space: string, role: Role): Iterable<[Mode, number]> {
    const spent = this.#participants.get(nameOf(space, role));
    if (spent === undefined) return [];
    this.#enter(space, role, spent.mode);
    return spent.ms;
  }

  #enter(space: string, role: Role, mode: Mode): void {
    const now = this.#time.now();
    const spent = this.#participants.get(nameOf(space, role));
    if (spent === undefined) {
      const modes = ['recovering', 'connected', 'degraded', 'stopped'] as const;
      const ms = new Map<Mode, number>(modes.map((one) => [one, 0]));
      this.#participants.set(nameOf(space, role), { mode, since: now, ms });
      return;
    }
    spent.ms.set(spent.mode, spent.ms.get(spent.mode)! + now - spent.since);
    spent.mode = mode;
    spent.since = now;
  }
}

function nameOf(space: string, role: Role): string {
  return `${role} ${space}`;
}
