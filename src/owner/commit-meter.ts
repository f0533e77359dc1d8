/**
 * The commit meter: measures commits and announcements, for observers in this process and, in the headers of
 * frames, for followers.
 */
import type { Committed as Observed, Committing } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Committed, Measures } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { bytesOf } from '../state/change.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Extent } from '../state/ledger-cut.ts';
import { printPosition } from '../state/position.ts';
import { unseenSince } from '../state/unseen.ts';
import { WholeState } from '../state/whole-state.ts';

/** The changes that a commit brings to the store: those after `from`, up to `to`. */
interface Range {
  readonly from: number;
  readonly to: number;
  /** Announcements of the changes up to this revision went out. */
  readonly announced: number;
  /** Of a large turn: their extent alone. */
  readonly changes: readonly Change[] | Extent | WholeState;
}

export class CommitMeter {
  readonly #space: string;
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;

  constructor(space: string, runtime: Runtime, ledger: Ledger) {
    this.#space = space;
    this.#runtime = runtime;
    this.#ledger = ledger;
  }

  /** Calls `commit` with the measurements for the frame's header, and observes the outcome. */
  measured(range: Range, commit: (measures: Measures) => Promise<Committed>): Promise<Committed> {
    const { observers, tracer, time } = this.#runtime;
    const { from, announced, changes } = range;
    const measures = this.setAtSince(Math.max(from, announced));
    const origins = this.#ledger.originsSince(from);
    if (observers.isEmpty && origins.length === 0) return commit(measures);
    const committing = this.#describe(range);
    const isEmpty = isEach(changes) && changes.length === 0;
    const span = isEmpty ? undefined : tracer.commit(committing, origins);
    const sentAt = time.now();
    const ended = (outcome: Observed['outcome']): void => {
      const bytes = changes instanceof WholeState ? changes.bytes : committing.bytes;
      const committed = { ...committing, bytes, outcome, storeMs: time.now() - sentAt };
      span?.end(committed);
      observers.tell('committed', committed);
    };
    return commit({ ...measures, ...(span && { trace: span.trace }) }).then(
      (reply) => {
        ended(reply.outcome);
        return reply;
      },
      (error: unknown) => {
        ended('unknown');
        throw error;
      },
    );
  }

  /**
   * Observes changes that go out ahead of their commit.
   * @param revisions the number of sets and deletes, those that were replaced since included
   */
  sent(path: 'redis' | 'direct', changes: readonly Change[], revisions: number): void {
    const { observers } = this.#runtime;
    if (observers.isEmpty) return;
    const keys = changes.length;
    this.sentInAll(path, { keys, bytes: bytesOf(changes), conflated: revisions - keys });
  }

  /** The same, for changes that were counted one by one. */
  sentInAll(path: 'redis' | 'direct', size: { keys: number; bytes: number; conflated: number }): void {
    this.#runtime.observers.tell('sent', { space: this.#space, path, ...size });
  }

  /**
   * The time at which the oldest change after `revision` was set, on the server's clock; empty where
   * unknown.
   */
  setAtSince(revision: number): Measures {
    const { clock, time } = this.#runtime;
    const { errorMs } = clock;
    const at = this.#ledger.setAtSince(revision);
    if (Number.isNaN(at) || !Number.isFinite(errorMs)) return {};
    // Both clocks are read together: time that passes between the two would be an error.
    const setAt = clock.now() - (time.now() - at);
    // The header rounds times, and the error includes the rounding.
    return { setAt: Math.max(0, setAt), setErrorMs: errorMs + 0.001 };
  }

  #describe({ from, to, announced, changes }: Range): Committing {
    const { name, observers, time, clock } = this.#runtime;
    const ledger = this.#ledger;
    const inCommitMs = time.now() - ledger.setAtSince(from);
    // A change that was replaced while the store was out has waited as well.
    const unseenMs = to - from === sizeOf(changes) ? 0 : (unseenSince(ledger.times, from, clock)?.ageMs ?? 0);
    const waitedMs = unseenMs > inCommitMs + 1 ? unseenMs : inCommitMs;
    const common = {
      space: this.#space,
      owner: name,
      position: printPosition({ epoch: ledger.head.epoch, revision: to }),
      waitedMs: Number.isNaN(waitedMs) ? undefined : waitedMs,
    };
    if (changes instanceof WholeState)
      return {
        ...common,
        kind: 'replace-all',
        keys: ledger.size,
        bytes: 0,
        conflated: 0,
        isAnnounced: false,
      };
    const after = Math.max(from, announced);
    if (!isEach(changes)) {
      const { changes: keys, bytes } = changes;
      const conflated = Math.max(0, to - after - keys);
      return { ...common, kind: 'turn', keys, bytes, conflated, isAnnounced: false };
    }
    const keys = changes.length;
    return {
      ...common,
      kind: keys === 0 ? 'heartbeat' : 'frame',
      keys,
      bytes: observers.isEmpty ? 0 : bytesOf(changes),
      conflated: Math.max(0, to - after - countAfter(changes, after)),
      isAnnounced: keys > 0 && to <= announced,
    };
  }
}

function isEach(changes: Range['changes']): changes is readonly Change[] {
  return Array.isArray(changes);
}

function sizeOf(changes: Range['changes']): number {
  return isEach(changes) ? changes.length : NaN;
}

/** The number of changes after a revision. */
function countAfter(changes: readonly Change[], revision: number): number {
  return changes.reduce((count, change) => count + (change.revision > revision ? 1 : 0), 0);
}
