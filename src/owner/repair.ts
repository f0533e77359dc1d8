/** What an owner does about keys that someone else has changed, added or lost in Redis. */
import type { Context } from '../actor/participant.ts';
import { TandemError } from '../base/errors.ts';
import type { Books, Cadence } from './cadence.ts';
import type { CommitScheduler } from './commit-scheduler.ts';
import type { Leadership } from './leadership.ts';
import type { ScrubListener } from './scrub.ts';

export interface RepairParts {
  readonly books: Books;
  readonly cadence: Cadence;
  readonly scheduler: CommitScheduler;
  readonly leadership: Leadership;
}

export class Repair implements ScrubListener {
  readonly #context: Context;
  readonly #parts: RepairParts;

  constructor(context: Context, parts: RepairParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /** They are set again under new revisions: Redis gets them, and followers that have read the wrong values. */
  found(keys: readonly string[]): void {
    const { books, scheduler, leadership } = this.#parts;
    if (leadership.ended) return;
    const some = keys.slice(0, 10).join(', ');
    this.#report(
      `${keys.length} keys of space "${this.#context.space}" were changed in Redis by someone else: ${some}`,
    );
    books.ledger.restate(keys);
    scheduler.changed();
  }

  /** A full commit counts the keys, and is refused: the catch-up behind it replaces the whole state. */
  keysLost(): void {
    const { cadence, scheduler } = this.#parts;
    cadence.verifyNext();
    this.#context.runtime.time.endOfTurn(() => scheduler.commit());
  }

  /** Readers there have read it, too. The next claim carries on from nothing, so that all read the state anew. */
  foreign(): void {
    const { books } = this.#parts;
    this.#report(`space "${this.#context.space}" holds in Redis keys that its owner never set`);
    books.progress.distrust();
    books.lease.loosen();
    this.#context.connection.gap('what Redis holds is not what its owner set');
  }

  #report(what: string): void {
    this.#context.reporter.report(new TandemError('CONTENT_MISMATCH', what));
  }
}
