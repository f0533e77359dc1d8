/**
 * What followers are told ahead of its commit: a small change need not wait for Redis to have written it down.
 *
 * Not what is traced, since its trace is to say when it was in the store. Nor what is long: to say it twice costs more than it gains.
 */
import type { Runtime } from '../ports/runtime.ts';
import type { Change, Header } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import { setAtOf } from './measures.ts';
import { bytesOf } from '../state/frame.ts';
import type { Measures } from '../ports/store.ts';

/** In UTF-16 code units. */
const LONGEST = 16_384;
const MOST_CHANGES = 16;
/** Of the lease that has to be left: a superseded owner is not to be heard. */
const LEAST_LEASE = 1 / 4;

export interface AnnouncerOptions {
  readonly space: string;
  readonly leaseMs: number;
  /** Whether anything is announced at all. */
  readonly announce: boolean;
}

/** What the owner's standing in the store is at the moment. */
export interface Standing {
  /** What the store lacks comes after it. */
  readonly sent: number;
  /** For how long the lease still runs, ms. */
  readonly leaseMs: number;
  /** Now, on the server's clock. */
  readonly cutAt: number;
}

export class Announcer {
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;
  readonly #options: AnnouncerOptions;
  #told = 0;

  constructor(runtime: Runtime, ledger: Ledger, options: AnnouncerOptions) {
    this.#runtime = runtime;
    this.#ledger = ledger;
    this.#options = options;
  }

  /** Up to this revision followers were told ahead; 0 where commits tell them. */
  get told(): number {
    return this.#told;
  }

  /** What followers are yet to be told comes after it, where the store was sent what is up to `sent`. */
  toldUpTo(sent: number): number {
    return Math.max(sent, this.#told);
  }

  /** What was told may not have arrived: commits tell all of it again. */
  startOver(): void {
    this.#told = 0;
  }

  /** Tells what was not told yet. False where that cannot be: then its commit does. */
  announce(standing: Standing): boolean {
    const { head } = this.#ledger;
    const from = this.toldUpTo(standing.sent);
    if (head.revision === from || !this.#isFree(standing)) return false;
    const changes = this.#ledger.changesSince(from, MOST_CHANGES + 1);
    if (changes === undefined || !isShort(changes) || this.#ledger.originsSince(from).length > 0)
      return false;
    this.#told = head.revision;
    this.#tellWhoMeasures(changes, head.revision - from);
    this.#send(from, standing, setAtOf(this.#ledger.setAtSince(from), this.#runtime), changes);
    return true;
  }

  /** Tells that nothing waits. False where that cannot be. */
  announceHeartbeat(standing: Standing): boolean {
    if (!this.#isFree(standing)) return false;
    this.#send(this.#ledger.head.revision, standing, {}, []);
    return true;
  }

  #isFree({ leaseMs }: Standing): boolean {
    const { announce, leaseMs: whole } = this.#options;
    return announce && this.#runtime.store.canAnnounce && leaseMs >= whole * LEAST_LEASE;
  }

  #send(
    prev: number,
    { leaseMs, cutAt }: Standing,
    { setAt, setErrorMs }: Measures,
    changes: readonly Change[],
  ): void {
    const { line, head } = this.#ledger;
    const header: Header = {
      epoch: line.epoch,
      base: line.base,
      prev,
      revision: head.revision,
      cutAt,
      leaseMs: Math.floor(leaseMs),
      bye: false,
      isAhead: true,
      setAt,
      setErrorMs,
    };
    this.#runtime.store.announce(this.#options.space, header, changes);
  }

  #tellWhoMeasures(changes: readonly Change[], revisions: number): void {
    const { observers } = this.#runtime;
    if (observers.isEmpty) return;
    const keys = changes.length;
    const size = { keys, bytes: bytesOf(changes), conflated: revisions - keys };
    observers.tell('sent', { space: this.#options.space, path: 'redis', ...size });
  }
}

function isShort(changes: readonly Change[]): boolean {
  if (changes.length > MOST_CHANGES) return false;
  let length = 0;
  for (const { key, json } of changes) length += key.length + json.length;
  return length <= LONGEST;
}
