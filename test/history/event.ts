/**
 * What is written down of a run, seen through the public API alone: what owners did, what followers were told and
 * read, and what was done to them. The same for runs that are simulated and for runs of real processes.
 *
 * Every value that is set is `{ id }` with an id of its own, so that a value says who set it, and when. All `at` are
 * ms on one clock that nobody in the run can read.
 */

/** What a key holds: the id of its value, or `null` for nothing. */
export type Id = number | null;
/** A key with what it holds, and the position that its reading bears. */
export type Seen = readonly [key: string, id: Id, position: string];

/** An owner is one actor's life: one that is started again is another. So is a follower. */
export type Event =
  /** `set` or `delete`. `head`: the owner's, right after. `open`: more of the same batch follows. */
  | { type: 'op'; at: number; owner: string; key: string; id: Id; head: string; open: boolean }
  /** `set` or `delete` threw. `tookMs` is for real runs. */
  | { type: 'refused'; at: number; owner: string; code: string }
  /** The owner leads, and holds this. */
  | { type: 'claimed'; at: number; owner: string; head: string; state: readonly Seen[] }
  /** What one that stands by holds. */
  | { type: 'held'; at: number; owner: string; head: string; state: readonly Seen[] }
  /**
   * `flush` resolved: the first `ops` operations of this owner are committed. `stored`: where Redis then was, by a look
   * at what it holds.
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
  /** The owner is no more. */
  | { type: 'ended'; at: number; owner: string; how: 'killed' | 'stopped' | 'fenced' }
  | { type: 'follows'; at: number; follower: string; direct: boolean }
  /** A watch was called. */
  | { type: 'told'; at: number; follower: string; key: string; id: Id; position: string; head: string }
  | { type: 'sync'; at: number; follower: string; head: string }
  /** The whole state was read. */
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
    }
  /** `waitFor(position)` resolved. */
  | { type: 'waited'; at: number; follower: string; position: string; head: string }
  | { type: 'unfollows'; at: number; follower: string }
  /** `losesData`: what was flushed before may be gone, now or at its end. */
  | { type: 'fault'; at: number; name: string; losesData: boolean }
  /** A fault has ended that loses data: what was flushed meanwhile may be gone. */
  | { type: 'loss'; at: number }
  /** From here on nothing is harmed any more. */
  | { type: 'healed'; at: number }
  /** For real runs: until now the machine had not let anybody run for so long. Nothing is expected of anyone meanwhile. */
  | { type: 'stalled'; at: number; ms: number }
  /** For who reads the trace; nothing is judged by it. */
  | { type: 'note'; at: number; participant: string; what: string }
  /** At the end: what a participant holds, and whether it is connected. */
  | { type: 'final'; at: number; participant: string; mode: string; head: string; state: readonly Seen[] }
  /** All are connected and equal; and from here on things are done again, with nothing in their way, until `rested`. */
  | { type: 'converged'; at: number }
  | { type: 'rested'; at: number }
  /** An owner was stopped while another stood by; that one led so long after. */
  | { type: 'handover'; at: number; tookMs: number }
  /** After a participant's process was stopped: what it left behind, and how many it was. */
  | { type: 'left'; at: number; process: string; timers: number }
  /** Something that never may happen: an unhandled rejection, a throw into the loop. */
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
