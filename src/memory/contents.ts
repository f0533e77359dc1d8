/** What the server in memory holds of one space: the same keys as Redis, by the same names. */
import type { HistoryChange } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { ZERO } from '../state/position.ts';
import type { History } from './history.ts';

/** A state: `state` has the values, `index` the revision of each key's last change, tombstones too. */
export class Contents {
  readonly state = new Map<string, string>();
  readonly index = new Map<string, number>();
  readonly #history: History | undefined;

  /** @param history is told what the keys held before each change, if it is wanted */
  constructor(history: History | undefined) {
    this.#history = history;
  }

  apply(changes: readonly Change[]): void {
    this.#note(changes.map(({ key }) => key));
    for (const { key, revision, json } of changes) {
      this.index.set(key, revision);
      if (json === '') this.state.delete(key);
      else this.state.set(key, json);
    }
  }

  /** Forgets when keys were deleted. */
  drop(keys: readonly string[]): void {
    this.#note(keys);
    for (const key of keys) this.index.delete(key);
  }

  /** Removes all that is known of a key. */
  remove(key: string): void {
    this.#note([key]);
    this.state.delete(key);
    this.index.delete(key);
  }

  copy(): Contents {
    const copy = new Contents(this.#history);
    for (const [key, json] of this.state) copy.state.set(key, json);
    for (const [key, revision] of this.index) copy.index.set(key, revision);
    return copy;
  }

  inOrder(): [key: string, revision: number][] {
    return [...this.index].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1));
  }

  #note(keys: readonly string[]): void {
    if (this.#history === undefined || keys.length === 0) return;
    const held = keys.map((key) => [key, this.state.get(key), this.index.get(key)] as const);
    this.#history.note(() => {
      for (const [key, json, revision] of held) {
        put(this.state, key, json);
        put(this.index, key, revision);
      }
    }, keys.length);
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** The names of the keys, and the type of each. */
export const TYPES = {
  meta: 'hash',
  state: 'hash',
  index: 'zset',
  lease: 'string',
  times: 'string',
  history: 'stream',
  'state:turn': 'hash',
  'index:turn': 'zset',
  'state:next': 'hash',
  'index:next': 'zset',
} as const;
export type KeyName = keyof typeof TYPES;

export interface MemoryLease {
  readonly owner: string;
  readonly epoch: number;
  /** By the server's clock, ms. */
  readonly until: number;
  /** The length that its owner asked for, ms. */
  readonly askedMs: number;
}

/** An entry of the history: a change, or without a key a gap before those that follow. */
export interface Recorded {
  /** Counted on from entry to entry. */
  readonly number: number;
  /** When it was committed, server's time in ms. */
  readonly at: number;
  readonly change?: HistoryChange;
}

const NEW_META = {
  fence: 0,
  epoch: 0,
  revision: 0,
  base: ZERO,
  size: 0,
  indexed: 0,
  doubtedAt: 0,
  turnSize: 0,
  turnIndexed: 0,
  turnRevision: 0,
  horizon: 0,
  cutAt: 0,
  removedAt: 0,
  historyAt: 0,
  historyFrom: 0,
  leaseMs: 0,
  owner: '',
  ownerName: '',
};

/** All keys of one space. */
export class MemorySpace {
  readonly #history: History | undefined;
  meta = NEW_META;
  live: Contents;
  /** The keys of a large turn: staged, or in force and not settled yet. */
  turn: Contents;
  /** A whole state that is being staged beside `live`. */
  next: Contents | undefined;
  /** What is staged belongs to this. */
  attempt: string | undefined;
  lease: MemoryLease | undefined;
  /** When keys were set, as `ChangeTimes` reads it; `undefined` where the key is not there. */
  times: string | undefined;
  /** What was committed, oldest first; `undefined` where the key is not there. It is replaced, never changed. */
  history: readonly Recorded[] | undefined;
  /** The keys at which somebody has put another type, and that type. Nothing of ours is there. */
  readonly foreign = new Map<KeyName, string>();
  /** A key of another type was met by a writer: all counts as lost until the whole state is replaced. */
  isSizeLost = false;

  constructor(history: History | undefined) {
    this.#history = history;
    this.live = new Contents(history);
    this.turn = new Contents(history);
  }

  /** Notes everything but the contents, which note their changes by themselves. Called before a script. */
  note(): void {
    if (this.#history === undefined) return;
    const { meta, live, turn, next, attempt, lease, times, history, isSizeLost } = this;
    const foreign = [...this.foreign];
    this.#history.note(() => {
      Object.assign(this, { meta, live, turn, next, attempt, lease, times, history, isSizeLost });
      this.foreign.clear();
      for (const [name, type] of foreign) this.foreign.set(name, type);
    });
  }

  /** By hand: puts another type at a key. What was there is gone. */
  retype(name: KeyName, type: string): void {
    this.foreign.set(name, type);
    if (name === 'state') this.live.state.clear();
    else if (name === 'index') this.live.index.clear();
    else if (name === 'lease') this.lease = undefined;
    else if (name === 'times') this.times = undefined;
    else if (name === 'history') this.history = undefined;
    else if (name === 'state:turn') this.turn.state.clear();
    else if (name === 'index:turn') this.turn.index.clear();
    else if (name === 'meta') {
      this.meta = NEW_META;
      this.attempt = undefined;
      this.isSizeLost = false;
    }
  }

  copy(): MemorySpace {
    const copy = new MemorySpace(this.#history);
    copy.meta = this.meta;
    copy.live = this.live.copy();
    copy.turn = this.turn.copy();
    copy.next = this.next?.copy();
    copy.lease = this.lease;
    copy.times = this.times;
    copy.history = this.history;
    copy.attempt = this.attempt;
    copy.isSizeLost = this.isSizeLost;
    for (const [name, type] of this.foreign) copy.foreign.set(name, type);
    return copy;
  }
}

/**
 * As `garbled` in `head.lua`: meta without numbers, or of another type. Where somebody added a value by hand,
 * a delete may bring a count below zero, which is no number to a reader.
 */
function isGarbled({ meta, foreign, isSizeLost }: MemorySpace): boolean {
  return isSizeLost || foreign.has('meta') || meta.size < 0 || meta.indexed < 0;
}

/** As `isInForce` in `head.lua`. */
export function isInForce({ meta }: MemorySpace): boolean {
  return meta.turnIndexed !== 0;
}

const NO_EXCESS = { values: 0, keys: 0 };

/** As `turnExcess` in `head.lua`. */
function turnExcess(space: MemorySpace): { values: number; keys: number } | undefined {
  const { meta, turn, foreign } = space;
  if (!isInForce(space)) return NO_EXCESS;
  if (foreign.has('state:turn') || foreign.has('index:turn')) return undefined;
  return { values: turn.state.size - meta.turnSize, keys: turn.index.size - meta.turnIndexed };
}

/**
 * As `keysLost` in `head.lua`: a count tells a value that was lost from one that was deleted.
 * @param knowsTurn whether the script is given the keys of the turn
 */
export function hasLostKeys(space: MemorySpace, knowsTurn: boolean): boolean {
  const { meta, live, foreign } = space;
  if (isGarbled(space) || foreign.has('state') || foreign.has('index')) return true;
  const excess = knowsTurn ? turnExcess(space) : NO_EXCESS;
  if (excess === undefined || excess.values !== 0 || excess.keys !== 0) return true;
  return meta.epoch > meta.fence || live.state.size !== meta.size || live.index.size !== meta.indexed;
}

/** As `keysAdded` in `head.lua`: the counts are wrong only because somebody else has added keys. */
export function hasAddedKeys(space: MemorySpace, knowsTurn: boolean): boolean {
  const { meta, live, foreign } = space;
  if (isGarbled(space) || foreign.has('state') || foreign.has('index')) return false;
  const excess = knowsTurn ? turnExcess(space) : NO_EXCESS;
  if (excess === undefined || excess.values < 0 || excess.keys < 0) return false;
  return meta.epoch <= meta.fence && live.state.size >= meta.size && live.index.size >= meta.indexed;
}
