/**
 * Told in time: whatever readings say of freshness and owner, the last event says it too, within 100 ms. Each
 * change is told once, in order, and with the moment from which on readings say it.
 */
import type { EventOf, History } from '../event.ts';
import type { Checker } from './checker.ts';

const IN_TIME_MS = 100;
/** Who reads more seldom than this was paused in between: no event can come then, either. */
const PAUSED_MS = 120;
/** The wall clock counts whole ms, and drifts. */
const GRAIN_MS = 3;

type What = EventOf<'tells'>['what'];
type Violated = (at: number, what: string) => void;

/** What readings say before the first event. */
const FIRST: Readonly<Record<What, string>> = { freshness: 'stale', owner: 'never' };

export const toldInTime: Checker = {
  name: 'told in time',
  check({ history }, violated) {
    const isRight = hasRightClocks(history);
    const records = history.events.filter((event) => event.type === 'says' || event.type === 'tells');
    for (const [participant, own] of Map.groupBy(records, (record) => record.participant)) {
      for (const what of ['freshness', 'owner'] as const) {
        const follow = new Follow(participant, what, isRight, violated);
        for (const record of own) {
          if (record.type === 'says') follow.says(record.at, record[what]);
          else if (record.what === what) follow.tells(record);
        }
      }
    }
  },
};

/** Follows what one participant says and tells of one thing. */
class Follow {
  readonly #who: string;
  readonly #what: What;
  readonly #hasRightClock: boolean;
  readonly #violated: Violated;
  #told: string;
  #name: string | undefined;
  /** The last reading, and since when readings have said something else than the last event. */
  #saidAt = -Infinity;
  #differsSince: number | undefined;
  /** The end of the last pause. */
  #wokeAt = -Infinity;
  /** The first reading that bounds the event's `since`. */
  #changedBy: number | undefined;
  /** The last reading that agreed with the last event. */
  #agreedAt = -Infinity;

  constructor(who: string, what: What, hasRightClock: boolean, violated: Violated) {
    this.#who = who;
    this.#what = what;
    this.#hasRightClock = hasRightClock;
    this.#violated = violated;
    this.#told = FIRST[what];
  }

  says(at: number, value: string): void {
    const wasPaused = at - this.#saidAt > PAUSED_MS;
    this.#saidAt = at;
    if (wasPaused) {
      this.#wokeAt = at;
      this.#changedBy = undefined;
    }
    if (value === this.#told) {
      this.#differsSince = this.#changedBy = undefined;
      // At the end of a pause, readings change to and fro while what had arrived is applied.
      if (at > this.#wokeAt) this.#agreedAt = at;
      return;
    }
    // Frames that arrived during a pause are applied at its end, after a timer that reads: readings may agree
    // again then, for as long as those frames prove something.
    if (at > this.#wokeAt) this.#changedBy ??= at;
    if (this.#differsSince === undefined || wasPaused) this.#differsSince = at;
    else if (at - this.#differsSince > IN_TIME_MS)
      this.#violated(
        at,
        `${this.#who} reads ${value} for ${at - this.#differsSince} ms, and told ${this.#told}`,
      );
  }

  tells({ at, value, said, name, since }: EventOf<'tells'>): void {
    const what = `${this.#who} told ${this.#what} ${value}`;
    if (value === this.#told && name === this.#name) this.#violated(at, `${what} twice`);
    if (value !== said) this.#violated(at, `${what}, and reads ${said}`);
    if (this.#hasRightClock && value !== this.#told) {
      // While an event waits for the owner's name, a lease of a few ms may end and another begin: readings
      // may have changed to and fro, and the last change is the one that is told.
      const mayHaveFlapped = this.#what === 'owner' && value === 'alive';
      const changedBy = mayHaveFlapped ? Infinity : (this.#changedBy ?? Infinity);
      const latest = Math.min(at, changedBy) + GRAIN_MS;
      if (since > latest || since < this.#agreedAt - GRAIN_MS)
        this.#violated(
          at,
          `${what} since ${since}, though readings changed between ${this.#agreedAt} and ${latest}`,
        );
    }
    this.#told = value;
    this.#name = name;
    this.#differsSince = this.#changedBy = undefined;
    this.#agreedAt = at;
  }
}

/** Where a machine slept or a clock was set, the wall clock tells no moment exactly. */
function hasRightClocks(history: History): boolean {
  return !history.of('fault').some(({ name }) => /sleep|asleep|suspend|clock/i.test(name));
}
