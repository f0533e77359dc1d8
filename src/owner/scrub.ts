/**
 * Compares what the store holds with the owner's ledger, a page now and then, for as long as the owner is connected.
 *
 * A count finds keys that were lost. Only a comparison finds a value, or a revision, that someone else has changed, and
 * that a follower would take for the owner's.
 */
import type { Runtime } from '../ports/runtime.ts';
import type { Change } from '../state/change.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Page } from '../ports/store.ts';
import type { Cancel } from '../base/time.ts';

/** Up to 2,000 keys a second in each of a few spaces, while a page takes Redis half a millisecond, as it mostly does. */
const FIRST_CHANGES = 50;
const LAST_CHANGES = 500;
const LONG_MS = 10;
/** Keys that a page lacks and should have: so many are found at once. */
const MOST_MISSING = 100;
const PAUSE_MS = 250;
/** With more participants in the process each takes its turn less often: many spaces cost Redis no more than these. */
const PARTICIPANTS = 4;
/** Whatever time a page takes, Redis has this many times as long for its other clients. */
const REST = 20;
/** A page may have taken long because this process was paused, or because the network is slow. */
const LONGEST_REST_MS = 1_000;
/** Large values are read no faster than this, UTF-16 code units per ms. */
const LENGTH_PER_MS = 256;

export interface ScrubListener {
  /** The store's values or revisions of these keys differ from the ledger's. */
  found(keys: readonly string[]): void;
  /** The store has lost keys: a full commit, which counts them, will show it. */
  keysLost(): void;
  /** The store holds a key that the ledger never held. */
  foreign(): void;
}

export class Scrub {
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;
  readonly #space: string;
  readonly #listener: ScrubListener;
  /** Up to this revision the store was compared in this round. */
  #revision = 0;
  #limit = FIRST_CHANGES;
  #hadLostKeys = false;
  #cancel: Cancel | undefined;

  constructor(runtime: Runtime, ledger: Ledger, space: string, listener: ScrubListener) {
    this.#runtime = runtime;
    this.#ledger = ledger;
    this.#space = space;
    this.#listener = listener;
  }

  start(): void {
    this.stop();
    this.#hadLostKeys = false;
    this.#schedule(PAUSE_MS);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(pauseMs: number): void {
    const cancel = this.#runtime.time.after(pauseMs, () => {
      // The next commit finds whatever is wrong with the store, and the owner then starts the scrub anew.
      const compared = this.#compareNext(() => this.#cancel === cancel).catch(() => PAUSE_MS);
      void compared.then((pauseMs) => this.#cancel === cancel && this.#schedule(pauseMs));
    });
    this.#cancel = cancel;
  }

  /**
   * Compares one page. Returns for how long to leave Redis alone then, ms.
   * @param isWanted false once it was stopped: a difference that is found then is being mended already
   */
  async #compareNext(isWanted: () => boolean): Promise<number> {
    const { store, time } = this.#runtime;
    const from = { epoch: this.#ledger.line.epoch, revision: this.#revision };
    const askedAt = time.now();
    const page = await store.since(this.#space, from, this.#limit);
    const tookMs = time.now() - askedAt;
    this.#limit = tookMs > LONG_MS ? FIRST_CHANGES : Math.min(LAST_CHANGES, this.#limit * 2);
    const isOurs = page.head.epoch === from.epoch && this.#ledger.line.epoch === from.epoch;
    if (isOurs && isWanted()) this.#compare(page);
    const length = page.changes.reduce((sum, { json }) => sum + json.length, 0);
    const pauseMs = PAUSE_MS * Math.max(1, this.#runtime.registry.size / PARTICIPANTS);
    return Math.max(pauseMs, Math.min(tookMs * REST, LONGEST_REST_MS), length / LENGTH_PER_MS);
  }

  #compare(page: Page): void {
    const { changes, more, head } = page;
    // A full commit, which counts, finds lost keys. Where they are still lost after it, the page itself shows which.
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

  /** A change that was set after the store's head is on its way there; everything else has to be the same. */
  #differs({ key, revision, json }: Change, { head }: Page): boolean {
    const entry = this.#ledger.get(key);
    if (entry === undefined || entry.revision > head.revision) return false;
    return entry.revision !== revision || (entry.value?.json ?? '') !== json;
  }

  /** A key that was never set here, or was deleted and forgotten: the store must not hold a value of it. */
  #isForeign({ key, revision, json }: Change, { head }: Page): boolean {
    return json !== '' && revision <= head.revision && this.#ledger.get(key) === undefined;
  }

  /** The keys that have to be on this page and are not, or cannot be read. */
  #missing({ changes, head, more }: Page): string[] {
    const there = new Set(changes.map(({ key }) => key));
    const upTo = more ? (changes.at(-1)?.revision ?? head.revision) : head.revision;
    const known = this.#ledger.changesSince(this.#revision, changes.length + MOST_MISSING) ?? [];
    return known.filter(({ key, revision }) => revision <= upTo && !there.has(key)).map(({ key }) => key);
  }
}
