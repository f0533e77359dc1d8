/** What a trading process does to its participant, step by step by chance, and how that is written down: real or simulated. */
import { TandemError } from '../../src/base/errors.ts';
import type { Owner } from '../../src/index.ts';
import type { Random } from '../simulation/random.ts';
import type { D, Key } from '../simulation/space.ts';
import { idOf, KEYS, seen } from '../simulation/space.ts';
import type { Event, Id } from './event.ts';

export interface Runtime {
  readonly random: Random;
  /** On the clock of the history, ms. */
  readonly now: () => number;
  readonly record: (event: Event) => void;
  /** An id for a value, higher than all before. */
  readonly nextId: () => number;
  readonly broken: (what: string) => void;
  readonly flushed?: (position: string) => void;
  /** Where Redis is, by a look at what it holds. */
  readonly stored?: () => string;
}

const FLUSH_MS = 800;

export class Trader {
  readonly #owner: string;
  readonly #participant: Owner<D>;
  readonly #runtime: Runtime;
  #ops = 0;

  constructor(owner: string, participant: Owner<D>, around: Runtime) {
    this.#owner = owner;
    this.#participant = participant;
    this.#runtime = around;
    participant.on('ownership', ({ ownership }) => {
      if (ownership !== 'leading') return;
      const state = seen(participant.entries());
      around.record({ type: 'claimed', at: around.now(), owner, head: participant.head, state });
    });
    participant.on('fenced', ({ uncommitted }) => {
      const named = uncommitted
        .filter(({ key }) => KEYS.includes(key as Key))
        .map(({ key, value }) => [key, idOf(value as { id: number } | undefined)] as const);
      around.record({ type: 'fenced', at: around.now(), owner, uncommitted: named });
    });
  }

  /** One step. Never throws. */
  act(): void {
    try {
      this.#act();
    } catch (error) {
      const code = error instanceof TandemError ? error.code : String(error);
      this.#runtime.record({ type: 'refused', at: this.#runtime.now(), owner: this.#owner, code });
    }
  }

  /** Writes down one change. */
  did(key: string, id: Id, head: string, open = false): void {
    this.#ops += 1;
    const { record, now } = this.#runtime;
    record({ type: 'op', at: now(), owner: this.#owner, key, id, head, open });
  }

  #act(): void {
    const { random, record, now } = this.#runtime;
    if (this.#participant.ownership === 'standby' && this.#participant.mode === 'connected') {
      record({
        type: 'held',
        at: now(),
        owner: this.#owner,
        head: this.#participant.head,
        state: seen(this.#participant.entries()),
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
    const id = this.#runtime.nextId();
    this.#participant.set(key, { id });
    this.did(key, id, this.#participant.head);
  }

  #delete(key: Key): void {
    // Before the state is known a delete counts also where nothing is seen to be deleted.
    if (this.#participant.delete(key) || this.#participant.head.startsWith('0-'))
      this.did(key, null, this.#participant.head);
  }

  /** Sets, and where there is something deletes, different keys as one. */
  #batch(size: number): void {
    const { random, nextId } = this.#runtime;
    const changes = new Map<Key, Id>();
    this.#participant.batch(() => {
      for (let n = 0; n < size; n += 1) {
        const key = random.pick(KEYS);
        if (changes.has(key)) continue;
        if (random.chance(0.3) && this.#participant.delete(key)) changes.set(key, null);
        else {
          const id = nextId();
          this.#participant.set(key, { id });
          changes.set(key, id);
        }
      }
    });
    const [epoch, last] = this.#participant.head.split('-');
    let revision = Number(last) - changes.size;
    for (const [key, id] of changes) {
      revision += 1;
      this.did(key, id, `${epoch}-${revision}`, revision < Number(last));
    }
  }

  /** One that throws leaves nothing behind. */
  #failingBatch(): void {
    const { random, nextId, broken } = this.#runtime;
    const before = this.#participant.head;
    const reason = new Error('on purpose');
    try {
      this.#participant.batch(() => {
        this.#participant.set(random.pick(KEYS), { id: nextId() });
        throw reason;
      });
    } catch (error) {
      if (error !== reason) throw error;
    }
    if (this.#participant.head !== before)
      broken(`a batch that threw took ${this.#owner} to ${this.#participant.head}`);
  }

  async #flush(): Promise<void> {
    const ops = this.#ops;
    const askedAt = this.#runtime.now();
    // Late, or fenced: then nothing was said.
    const position = await this.#participant.flush({ timeoutMs: FLUSH_MS }).catch(() => undefined);
    if (position === undefined) return;
    const { now, record, flushed, stored } = this.#runtime;
    flushed?.(position);
    const at = now();
    const where = stored === undefined ? {} : { stored: stored() };
    record({ type: 'flushed', at, owner: this.#owner, askedAt, position, ops, ...where });
  }
}
