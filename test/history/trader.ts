/**
 * Makes an owner act at random, one step at a time, and records each step. Simulated and real runs share it.
 */
import { TandemError } from '../../src/base/errors.ts';
import type { Owner } from '../../src/index.ts';
import type { Random } from '../simulation/random.ts';
import type { D, Key, Value } from '../simulation/space.ts';
import { idOf, KEYS, seen } from '../simulation/space.ts';
import type { Event, Id } from './event.ts';

/** The run in which a trader acts: its chance, its clock and its history. */
export interface TestRun {
  readonly random: Random;
  /** Ms on the clock of the history. */
  readonly now: () => number;
  readonly record: (event: Event) => void;
  /** What is large here. Default: a dozen keys, with short values and small turns. */
  readonly large?: Large | undefined;
  /** Returns an id for a new value, higher than all before. */
  readonly nextId: () => number;
  readonly broken: (what: string) => void;
  readonly flushed?: (position: string) => void;
  /** The position that Redis holds at this moment. */
  readonly stored?: () => string;
}

export interface Large {
  readonly keys: readonly Key[];
  /** The lengths of what a value has beside its id. */
  readonly pads: readonly number[];
  /** The average time between two steps, ms. */
  readonly stepMs: number;
  /** The probability that a step of a standby records the whole state that it holds. */
  readonly wholeLooks: number;
}

const FLUSH_MS = 800;
/** In a large world, a turn of each of these kinds comes about so often, ms. */
const FILL_EVERY_MS = 2_500;
const PURGE_EVERY_MS = 2_500;
const WIDE_EVERY_MS = 500;
/** The first step may set everything. */
const FIRST_FILL = 0.7;

export class Trader {
  readonly #id: string;
  readonly #owner: Owner<D>;
  readonly #run: TestRun;
  readonly #keys: readonly Key[];
  #ops = 0;
  #hasActed = false;

  constructor(id: string, owner: Owner<D>, run: TestRun) {
    this.#id = id;
    this.#owner = owner;
    this.#run = run;
    this.#keys = run.large?.keys ?? KEYS;
    owner.on('ownership', ({ ownership }) => {
      if (ownership !== 'leading') return;
      const state = seen(owner.entries());
      run.record({ type: 'claimed', at: run.now(), owner: id, head: owner.head, state });
    });
    owner.on('fenced', ({ uncommitted }) => {
      const named = uncommitted
        .filter(({ key }) => this.#keys.includes(key as Key))
        .map(({ key, value }) => [key, idOf(value as { id: number } | undefined)] as const);
      run.record({ type: 'fenced', at: run.now(), owner: id, uncommitted: named });
    });
  }

  /** Takes one step. Never throws. */
  act(): void {
    try {
      this.#act();
    } catch (error) {
      const code = error instanceof TandemError ? error.code : String(error);
      this.#run.record({ type: 'refused', at: this.#run.now(), owner: this.#id, code });
    }
  }

  /** Records one change. */
  did(key: string, id: Id, head: string, open = false): void {
    this.#ops += 1;
    const { record, now } = this.#run;
    record({ type: 'op', at: now(), owner: this.#id, key, id, head, open });
  }

  #act(): void {
    const { random, record, now } = this.#run;
    const { large } = this.#run;
    const isHolding = this.#owner.ownership === 'standby' && this.#owner.mode === 'connected';
    if (isHolding && (large === undefined || random.chance(large.wholeLooks))) {
      record({
        type: 'held',
        at: now(),
        owner: this.#id,
        head: this.#owner.head,
        state: seen(this.#owner.entries()),
      });
    }
    if (large !== undefined && this.#turnAtLarge(large)) return;
    const draw = random.next();
    if (draw < 0.55) this.#set(this.#any());
    else if (draw < 0.67) this.#delete(this.#any());
    else if (draw < 0.8) this.#batch(random.whole(2, 5));
    else if (draw < 0.86) for (let n = random.whole(5, 40); n > 0; n -= 1) this.#set(this.#any());
    else if (draw < 0.9) this.#failingBatch();
    else void this.#flush();
  }

  /**
   * Takes a turn that is more than one commit takes, now and then: it sets everything, deletes most of it, or
   * makes one wide batch.
   */
  #turnAtLarge({ stepMs }: Large): boolean {
    const { random } = this.#run;
    const isFirst = !this.#hasActed;
    this.#hasActed = true;
    const draw = random.next();
    const isDue = (everyMs: number, from: number): boolean => draw >= from && draw < from + stepMs / everyMs;
    if (isFirst ? draw < FIRST_FILL : isDue(FILL_EVERY_MS, 0)) for (const key of this.#keys) this.#set(key);
    else if (isDue(PURGE_EVERY_MS, 0.3)) this.#purge(random.between(0.6, 1));
    else if (isDue(WIDE_EVERY_MS, 0.6)) this.#batch(random.whole(6, 60));
    else return false;
    return true;
  }

  #purge(share: number): void {
    for (const key of this.#keys) if (this.#run.random.chance(share)) this.#delete(key);
  }

  #any(): Key {
    return this.#run.random.pick(this.#keys);
  }

  #value(id: number): Value {
    const { large, random } = this.#run;
    const pad = large === undefined ? 0 : random.pick(large.pads);
    return pad === 0 ? { id } : { id, pad: 'x'.repeat(pad) };
  }

  #set(key: Key): void {
    const id = this.#run.nextId();
    this.#owner.set(key, this.#value(id));
    this.did(key, id, this.#owner.head);
  }

  #delete(key: Key): void {
    // Before the owner knows the stored state, a delete counts as a change even if the key seems to be
    // absent.
    if (this.#owner.delete(key) || this.#owner.head.startsWith('0-')) this.did(key, null, this.#owner.head);
  }

  /** Sets different keys in one batch, and deletes some of those that exist. */
  #batch(size: number): void {
    const { random, nextId } = this.#run;
    const changes = new Map<Key, Id>();
    this.#owner.batch(() => {
      for (let n = 0; n < size; n += 1) {
        const key = this.#any();
        if (changes.has(key)) continue;
        if (random.chance(0.3) && this.#owner.delete(key)) changes.set(key, null);
        else {
          const id = nextId();
          this.#owner.set(key, this.#value(id));
          changes.set(key, id);
        }
      }
    });
    const [epoch, last] = this.#owner.head.split('-');
    let revision = Number(last) - changes.size;
    for (const [key, id] of changes) {
      revision += 1;
      this.did(key, id, `${epoch}-${revision}`, revision < Number(last));
    }
  }

  /** A batch that throws must leave nothing behind. */
  #failingBatch(): void {
    const { nextId, broken } = this.#run;
    const before = this.#owner.head;
    const reason = new Error('on purpose');
    try {
      this.#owner.batch(() => {
        this.#owner.set(this.#any(), { id: nextId() });
        throw reason;
      });
    } catch (error) {
      if (error !== reason) throw error;
    }
    if (this.#owner.head !== before) broken(`a batch that threw took ${this.#id} to ${this.#owner.head}`);
  }

  async #flush(): Promise<void> {
    const ops = this.#ops;
    const askedAt = this.#run.now();
    // A flush that times out or is fenced promises nothing, so there is nothing to record.
    const position = await this.#owner.flush({ timeoutMs: FLUSH_MS }).catch(() => undefined);
    if (position === undefined) return;
    const { now, record, flushed, stored } = this.#run;
    flushed?.(position);
    const at = now();
    const where = stored === undefined ? {} : { stored: stored() };
    record({ type: 'flushed', at, owner: this.#id, askedAt, position, ops, ...where });
  }
}
