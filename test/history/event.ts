/**
 * The events of a run, recorded through the public API alone: operations of owners, changes and readings at
 * followers, and faults. Simulated runs and runs of real processes record the same events.
 *
 * Each value is an object `{ id }` with an id of its own, so a value tells who set it, and when. Every `at`
 * is in ms on one clock, which no participant can read.
 */

/** The id of a key's value; `null` if the key has none. */
export type Id = number | null;
/** A key, the id of its value, and the position of its reading. */
export type Seen = readonly [key: string, id: Id, position: string];

/** An owner or a follower here is the life of one actor. A restarted actor counts as a new one. */
export type Event =
  /**
   * `set` or `delete`. `head` is the owner's head right after it. `open` means that more of the same batch
   * follows.
   */
  | { type: 'op'; at: number; owner: string; key: string; id: Id; head: string; open: boolean }
  /** `set` or `delete` threw. */
  | { type: 'refused'; at: number; owner: string; code: string }
  /** The owner leads, with this state. */
  | { type: 'claimed'; at: number; owner: string; head: string; state: readonly Seen[] }
  /** A standby holds this state. */
  | { type: 'held'; at: number; owner: string; head: string; state: readonly Seen[] }
  /**
   * `flush` resolved: the first `ops` operations of this owner are committed. `stored` is the position that
   * Redis held at that moment.
   */
  | {
      type: 'flushed';
      at: number;
      owner: string;
      askedAt: number;
      position: string;
      ops: number;
      stored?: string;
    }
  | { type: 'fenced'; at: number; owner: string; uncommitted: readonly (readonly [string, Id])[] }
  /**
   * The owner's process goes on after a stop or a sleep, and nothing has run in it yet. `freshness` is of its
   * own first reading.
   */
  | { type: 'awoke'; at: number; owner: string; stoppedMs: number; freshness: 'live' | 'stale' }
  /** The owner's life is over. */
  | { type: 'ended'; at: number; owner: string; how: 'killed' | 'stopped' | 'fenced' }
  /** A claim's fence has reached the follower's process: `fence` is the new epoch. */
  | { type: 'heard'; at: number; follower: string; fence: number }
  | { type: 'follows'; at: number; follower: string; direct: boolean }
  /** A watch callback was called. */
  | { type: 'told'; at: number; follower: string; key: string; id: Id; position: string; head: string }
  | { type: 'sync'; at: number; follower: string; head: string }
  /** A reader read the whole state. */
  | {
      type: 'read';
      at: number;
      follower: string;
      head: string;
      freshness: 'live' | 'stale';
      staleMs: number;
      source: string;
      ownerAlive: boolean;
      state: readonly Seen[];
      /** When values were set, as readings say it; on the clock of the history. */
      dates?: readonly (readonly [id: Id, changedAt: number | undefined])[];
    }
  /** A reading of any participant, owners included, said this of the state and of its owner. */
  | { type: 'says'; at: number; participant: string; freshness: string; owner: string }
  /**
   * A participant emitted `freshness` or `ownerChanged`. `said` is what a reading said at that moment;
   * `since` is on the clock of the history.
   */
  | {
      type: 'tells';
      at: number;
      participant: string;
      what: 'freshness' | 'owner';
      value: string;
      said: string;
      name?: string | undefined;
      since: number;
    }
  /** `waitFor(position)` resolved. */
  | { type: 'waited'; at: number; follower: string; position: string; head: string }
  | { type: 'unfollows'; at: number; follower: string }
  /** `losesData`: changes that were flushed may be lost, at the beginning of the fault or at its end. */
  | { type: 'fault'; at: number; name: string; losesData: boolean }
  /** A fault that loses data has ended: changes that were flushed meanwhile may be lost. */
  /** `fence`: the highest claim that Redis knows after it, where that was looked at. */
  | { type: 'loss'; at: number; fence?: number }
  /** Somebody set the wall clock of a process. */
  | { type: 'clockSet'; at: number }
  /** From here on, no fault happens. */
  | { type: 'healed'; at: number }
  /**
   * Real runs only: for this long, the machine has let no process run. Nothing is expected of anyone in that
   * time.
   */
  | { type: 'stalled'; at: number; ms: number }
  /** For readers of the trace. No checker uses it. */
  | { type: 'note'; at: number; participant: string; what: string }
  /** A participant's state and mode at the end. */
  | { type: 'final'; at: number; participant: string; mode: string; head: string; state: readonly Seen[] }
  /**
   * All participants are connected and equal. From here until `rested`, the owner sets values again and
   * nothing disturbs anyone.
   */
  | { type: 'converged'; at: number }
  | { type: 'rested'; at: number }
  /** An owner was stopped while another stood by, and the other led after this time. */
  | { type: 'handover'; at: number; tookMs: number }
  /** How many timers a participant's process had left after it was stopped. */
  | { type: 'left'; at: number; process: string; timers: number }
  /** An event that may never happen: an unhandled rejection, or an error thrown into the event loop. */
  | { type: 'broken'; at: number; what: string };

export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

export class History {
  readonly events: Event[] = [];
  #byType: Map<string, Event[]> | undefined;

  record(event: Event): void {
    this.#byType = undefined;
    this.events.push(event);
  }

  of<T extends Event['type']>(type: T): readonly EventOf<T>[] {
    this.#byType ??= Map.groupBy(this.events, (event) => event.type);
    return (this.#byType.get(type) ?? []) as EventOf<T>[];
  }
}
