/** Repair: puts right the keys that somebody else has changed, added or removed in Redis. */
import type { Context } from '../actor/context.ts';
import { TandemError } from '../base/errors.ts';
import type { Head } from '../ports/store.ts';
import type { Cadence } from './cadence.ts';
import type { Books } from './books.ts';
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

  /**
   * Sets the keys again under new revisions. So Redis gets the right values, and so do followers with wrong
   * ones.
   */
  found(keys: readonly string[]): void {
    const { books, scheduler, leadership } = this.#parts;
    if (leadership.ended) return;
    const some = keys.slice(0, 10).join(', ');
    this.#report(
      `${keys.length} keys of space "${this.#context.space}" were changed in Redis by someone else: ${some}`,
    );
    books.ledger.restate(keys, this.#context.runtime.clock);
    scheduler.changed();
  }

  /** Sends a full commit. Redis counts the keys and refuses it, and the catch-up replaces the whole state. */
  keysLost(): void {
    const { cadence, scheduler } = this.#parts;
    cadence.verifyNext();
    this.#context.runtime.time.endOfTurn(() => scheduler.commit());
  }

  /**
   * Followers may have read the foreign keys. The next claim has the base 0-0, so that all read the state
   * anew.
   */
  foreign(): void {
    const { books } = this.#parts;
    this.#report(`Redis holds keys of space "${this.#context.space}" that its owner never set`);
    books.progress.distrust();
    books.lease.loosen();
    this.#context.connection.gap('what Redis holds is not what its owner set');
  }

  /** Only a claim removes keys of another type: also at those that no commit touches. */
  wrongTypes(head: Head): void {
    this.#context.wrongTypes.seen(head);
    this.#parts.books.lease.loosen();
    this.#context.connection.gap('keys in Redis are of another type');
  }

  #report(what: string): void {
    this.#context.reporter.report(new TandemError('CONTENT_MISMATCH', what));
  }
}
