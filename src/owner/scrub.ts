/**
 * The scrub: compares the store with the owner's ledger, one page at a time, while the owner is connected.
 *
 * A count finds keys that were lost. Only a comparison finds a value, or a revision, that somebody else has
 * changed, and that a follower would accept as the owner's.
 *
 * A round over all keys takes long, at 2,000 keys a second. A follower that reads an edited value finds that
 * its digest is not the owner's, and says so in the store (`doubtedAt`). Then a round begins at once, and
 * without pauses.
 */
import type { Runtime } from '../ports/runtime.ts';
import type { Captured } from '../state/captured.ts';
import type { Change } from '../state/change.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Place } from '../state/revision-map.ts';
import type { Head, Page } from '../ports/store.ts';
import type { Cancel } from '../base/time.ts';

/** The changes of the first page, and the most that a page has. A page mostly takes Redis 0.5 ms. */
const FIRST_CHANGES = 50;
const LAST_CHANGES = 500;
/** After a page that took longer than this, the next has `FIRST_CHANGES` again, ms. */
const LONG_MS = 10;
/** The greatest number of missing keys that one page can show. */
const MOST_MISSING = 100;
/** The shortest pause between two pages, ms: with `LAST_CHANGES`, 2,000 keys a second. */
const PAUSE_MS = 250;
/** With more participants in the process, each pauses longer: together they cost Redis no more than these. */
const PARTICIPANTS = 4;
/**
 * After a page, Redis has this many times the page's duration for its other clients, up to the longest
 * rest.
 */
const REST = 20;
/** As `REST`, where a follower doubts the keys. */
const DOUBTED_REST = 3;
/** A page may have taken long because this process was paused, or because the network is slow. */
const LONGEST_REST_MS = 750;
/** Large values are read no faster than this, UTF-16 code units per ms. */
const LENGTH_PER_MS = 256;

/** The part that acts on what a scrub finds. */
export interface ScrubListener {
  /** The store's values or revisions of these keys differ from the ledger's. */
  found(keys: readonly string[]): void;
  /** The store has lost keys. A full commit, which counts them, will prove it. */
  keysLost(): void;
  /** The store holds a key that the ledger never held. */
  foreign(): void;
  /** Somebody has put another type at a key of the space. */
  wrongTypes(head: Head): void;
}

export class Scrub {
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;
  readonly #space: string;
  readonly #listener: ScrubListener;
  /** The revision up to which this round has compared the store. */
  #revision = 0;
  /** Where this round is in the ledger: each page costs its own length, and not the way from the end. */
  #place: Place<Captured> | undefined;
  #limit = FIRST_CHANGES;
  #hadLostKeys = false;
  /** The last doubt of a follower that was met, server's time in ms. */
  #doubtedAt = 0;
  /** Whether this round is for a doubt: it makes no pauses. */
  #isDoubted = false;
  #cancel: Cancel | undefined;

  constructor(runtime: Runtime, ledger: Ledger, space: string, listener: ScrubListener) {
    this.#runtime = runtime;
    this.#ledger = ledger;
    this.#space = space;
    this.#listener = listener;
  }

  /** Starts the comparing, or starts it again: the first page comes after a pause. */
  start(): void {
    this.stop();
    this.#place ??= this.#ledger.place();
    this.#hadLostKeys = false;
    this.#schedule(PAUSE_MS);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(pauseMs: number): void {
    const cancel = this.#runtime.time.after(pauseMs, () => {
      // A read that failed needs no report: the next commit meets the same fault. The scrub goes on.
      const compared = this.#compareNext(() => this.#cancel === cancel).catch(() => PAUSE_MS);
      void compared.then((pauseMs) => this.#cancel === cancel && this.#schedule(pauseMs));
    });
    this.#cancel = cancel;
  }

  /**
   * Compares one page.
   * @param isWanted false once the scrub was stopped: a difference that is found then is being mended already
   * @returns the time to leave Redis alone after it, ms
   */
  async #compareNext(isWanted: () => boolean): Promise<number> {
    const { store, time } = this.#runtime;
    const from = { epoch: this.#ledger.line.epoch, revision: this.#revision };
    const askedAt = time.now();
    const page = await store.since(this.#space, from, this.#limit);
    const tookMs = time.now() - askedAt;
    this.#limit = tookMs > LONG_MS ? FIRST_CHANGES : Math.min(LAST_CHANGES, this.#limit * 2);
    const isOurs = page.head.epoch === from.epoch && this.#ledger.line.epoch === from.epoch;
    // While a turn is settled, a page may have a key twice.
    if (isOurs && page.head.unsettled === 0 && isWanted()) this.#compare(page);
    if (isOurs) this.#doubt(page.head.doubtedAt);
    const length = page.changes.reduce((sum, { json }) => sum + json.length, 0);
    if (this.#isDoubted) return Math.min(tookMs * DOUBTED_REST, LONGEST_REST_MS);
    const pauseMs = PAUSE_MS * Math.max(1, this.#runtime.registry.size / PARTICIPANTS);
    return Math.max(pauseMs, Math.min(tookMs * REST, LONGEST_REST_MS), length / LENGTH_PER_MS);
  }

  /**
   * A new doubt begins a round from the first key, without pauses. A round that has ended is over with it.
   */
  #doubt(doubtedAt: number): void {
    if (doubtedAt > this.#doubtedAt) this.#revision = 0;
    else if (this.#revision > 0) return;
    this.#isDoubted = doubtedAt > this.#doubtedAt;
    this.#doubtedAt = Math.max(this.#doubtedAt, doubtedAt);
  }

  #compare(page: Page): void {
    const { changes, more, head } = page;
    if (head.wrongTypes.length > 0) return this.#listener.wrongTypes(head);
    // A full commit finds lost keys. Where the next page still lacks some, the comparison below finds which.
    const isFirst = head.keysLost && !this.#hadLostKeys;
    this.#hadLostKeys = head.keysLost;
    if (isFirst) return this.#listener.keysLost();
    if (!head.keysLost && changes.some((change) => this.#isForeign(change, page)))
      return this.#listener.foreign();
    const keys = changes.filter((change) => this.#differs(change, page)).map(({ key }) => key);
    keys.push(...this.#missing(page));
    this.#revision = more ? (changes.at(-1)?.revision ?? 0) : 0;
    if (keys.length > 0) this.#listener.found(keys);
  }

  /**
   * Whether value or revision differ from the ledger's. A key that was set after the store's head is on its
   * way.
   */
  #differs({ key, revision, json }: Change, { head }: Page): boolean {
    const entry = this.#ledger.get(key);
    if (entry === undefined || entry.revision > head.revision) return false;
    return entry.revision !== revision || (entry.value?.json ?? '') !== json;
  }

  /**
   * Whether the key was never set here, or was deleted and forgotten: the store must not hold a value of
   * it. Where deletes after the store's head are forgotten already, nobody can tell.
   */
  #isForeign({ key, revision, json }: Change, { head }: Page): boolean {
    // planted: forgotten
    if (this.#ledger.horizon > head.revision) return false;
    return json !== '' && revision <= head.revision && this.#ledger.get(key) === undefined;
  }

  /** The keys that should be on this page, and are missing or cannot be read. */
  #missing({ changes, head, more }: Page): string[] {
    const there = new Set(changes.map(({ key }) => key));
    const upTo = more ? (changes.at(-1)?.revision ?? head.revision) : head.revision;
    const known = this.#ledger.changesSince(this.#revision, changes.length + MOST_MISSING, this.#place) ?? [];
    return known.filter(({ key, revision }) => revision <= upTo && !there.has(key)).map(({ key }) => key);
  }
}
