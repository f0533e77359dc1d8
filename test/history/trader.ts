/**
 * Makes an owner act at random, one step at a time, and records each step. Simulated and real runs share it.
 */
import { TandemError } from '../../src/base/errors.ts';
import type { Owner } from '../../src/index.ts';
import type { Random } from '../simulation/random.ts';
import type { D, Key } from '../simulation/space.ts';
import { idOf, KEYS, seen } from '../simulation/space.ts';
import type { Event, Id } from './event.ts';

/** The run in which a trader acts: its chance, its clock and its history. */
export interface TestRun {
  readonly random: Random;
  /** Ms on the clock of the history. */
  readonly now: () => number;
  readonly record: (event: Event) => void;
  /** Returns an id for a new value, higher than all before. */
  readonly nextId: () => number;
  readonly broken: (what: string) => void;
  readonly flushed?: (position: string) => void;
  /** The position that Redis holds at this moment. */
  readonly stored?: () => string;
}

const FLUSH_MS = 800;

export class Trader {
  readonly #id: string;
  readonly #owner: Owner<D>;
  readonly #run: TestRun;
  #ops = 0;

  constructor(id: string, owner: Owner<D>, run: TestRun) {
    this.#id = id;
    this.#owner = owner;
    this.#run = run;
    owner.on('ownership', ({ ownership }) => {
      if (ownership !== 'leading') return;
      const state = seen(owner.entries());
      run.record({ type: 'claimed', at: run.now(), owner: id, head: owner.head, state });
    });
    owner.on('fenced', ({ uncommitted }) => {
      const named = uncommitted
        .filter(({ key }) => KEYS.includes(key as Key))
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
    if (this.#owner.ownership === 'standby' && this.#owner.mode === 'connected') {
      record({
        type: 'held',
        at: now(),
        owner: this.#id,
        head: this.#owner.head,
        state: seen(this.#owner.entries()),
      });
    }
    const draw = random.next();
    if (draw < 0.55) this.#set(random.pick(KEYS));
    else if (draw < 0.67) this.#delete(random.pick(KEYS));
    else if (draw < 0.8) this.#batch(random.whole(2, 5));
    else if (draw < 0.86) for (let n = random.whole(5, 40); n > 0; n -= 1) this.#set(random.pick(KEYS));
    else if (draw < 0.9) this.#failingBatch();
    else void this.#flush();
  }

  #set(key: Key): void {
    const id = this.#run.nextId();
    this.#owner.set(key, { id });
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
        const key = random.pick(KEYS);
        if (changes.has(key)) continue;
        if (random.chance(0.3) && this.#owner.delete(key)) changes.set(key, null);
        else {
          const id = nextId();
          this.#owner.set(key, { id });
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
    const { random, nextId, broken } = this.#run;
    const before = this.#owner.head;
    const reason = new Error('on purpose');
    try {
      this.#owner.batch(() => {
        this.#owner.set(random.pick(KEYS), { id: nextId() });
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
