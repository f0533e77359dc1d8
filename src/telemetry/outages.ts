/** The outages of the participants of a process: when each was without Redis, and why. Of each, the last few. */
import { CappedMap } from '../base/capped-map.ts';
import type { Time } from '../base/time.ts';
import type { ModeChanged, Role } from '../ports/observer.ts';

/** A time for which a participant was not connected. */
export interface Outage {
  /** For people. */
  readonly reason: string;
  /** On `Time`, ms. */
  readonly from: number;
  /** On `Time`, ms; `undefined` while it lasts. */
  readonly to: number | undefined;
}

const KEPT = 8;

export class Outages {
  readonly #time: Time;
  readonly #all = new CappedMap<Outage[]>();

  constructor(time: Time) {
    this.#time = time;
  }

  /** A try to recover that fails is no end of an outage. */
  changed({ space, role, mode, reason }: Pick<ModeChanged, 'space' | 'role' | 'mode' | 'reason'>): void {
    const name = nameOf(space, role);
    const outages = this.#all.get(name) ?? [];
    const last = outages.at(-1);
    const isOut = last !== undefined && last.to === undefined;
    const now = this.#time.now();
    if (mode === 'degraded' && !isOut) {
      outages.push({ reason, from: now, to: undefined });
      if (outages.length > KEPT) outages.shift();
      this.#all.set(name, outages);
    } else if (isOut && (mode === 'connected' || mode === 'stopped'))
      outages[outages.length - 1] = { ...last, to: now };
  }

  /** Those that overlap with a stretch of time up to now, on `Time`, ms; oldest first. */
  since(space: string, role: Role, from: number): readonly Outage[] {
    const outages = this.#all.get(nameOf(space, role));
    return outages?.filter(({ to = Infinity }) => to > from) ?? NONE;
  }
}

const NONE: readonly Outage[] = [];

function nameOf(space: string, role: Role): string {
  return `${role} ${space}`;
}
