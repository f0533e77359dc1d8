/**
 * The client's copy of a space: for each key its value and the position of its last change.
 *
 * A `state` event replaces the copy, and a `change` event goes from the copy's position to its own. Each is
 * applied whole, in one step, and nothing takes the copy back.
 */
import type { Definition } from '../state/definition.ts';
import type { Reading } from '../state/reading.ts';
import { ClientError } from './client-error.ts';
import type { Proof } from './proof.ts';
import { readValue, schemaOf } from './schemas.ts';

interface Entry {
  /** As it came, to be compared. */
  readonly json: unknown;
  readonly value: unknown;
  readonly position: string;
  readonly changedAt: number | undefined;
  /** The last reading, and its proof. */
  reading?: Reading;
  proof?: Proof;
}

/** A key of an event. */
interface Held {
  readonly value: unknown;
  readonly position: string;
  readonly changedAt?: number;
}

export interface StateEvent {
  readonly head: string;
  readonly state: Readonly<Record<string, Held>>;
}

export interface ChangeEvent {
  readonly position: string;
  readonly changes: readonly (Held & { readonly key: string })[];
  readonly deletes: readonly string[];
}

export interface Copy {
  /** Where the copy is; `0-0` before the first state. */
  readonly head: string;
  /** Whether a whole state has come. */
  readonly isWhole: boolean;
  /** The keys that do not show their newest value, which cannot be read. */
  readonly refusals: ReadonlySet<string>;
  readonly entries: ReadonlyMap<string, unknown>;
  /** The reading of a key under a proof: the same object for as long as neither has changed. */
  read(key: string, proof: Proof): Reading;
  /**
   * Puts a whole state in the place of the copy.
   * @param changed gets the keys that changed
   * @throws ClientError `ROLLED_BACK` for a state from before the copy
   */
  replace(event: StateEvent, changed: Set<string>): void;
  /** Applies changes: as `replace`. */
  apply(event: ChangeEvent, changed: Set<string>): void;
  /** Nothing that is shown has changed up to a position. */
  moveTo(position: string): void;
}

/** Orders two positions: negative when `a` is before `b`. */
export function compare(a: string, b: string): number {
  const [epochA = 0, revisionA = 0] = a.split('-').map(Number);
  const [epochB = 0, revisionB = 0] = b.split('-').map(Number);
  return epochA - epochB || revisionA - revisionB;
}

/** A position of epoch 0 is that of an owner which has not claimed yet: it says nothing of another one. */
export function isUnclaimed(position: string): boolean {
  return position.startsWith('0-');
}

/** @param refused told of each value that its schema refuses */
export function newCopy(definition: Definition | undefined, refused: (error: ClientError) => void): Copy {
  /** The keys whose newest value the schema refuses: they show the one before it, and are stale. */
  const refusals = new Set<string>();

  const put = (key: string, held: Held, before: ReadonlyMap<string, Entry>, changed: Set<string>): void => {
    const schema = schemaOf(definition, key);
    if (schema === undefined) return;
    const { value: json, position, changedAt } = held;
    const known = before.get(key);
    const wasRefused = refusals.delete(key);
    try {
      // What came again is the same object to whoever compares.
      const isSame = known?.position === position && JSON.stringify(known.json) === JSON.stringify(json);
      copy.entries.set(key, isSame ? known : { json, value: readValue(schema, json), position, changedAt });
      if (isSame && !wasRefused) return;
    } catch (cause) {
      if (known !== undefined) copy.entries.set(key, known);
      refusals.add(key);
      const why = `value of "${key}" is refused: ${(cause as Error | undefined)?.message}`;
      refused(new ClientError('INVALID_VALUE', why, { cause }));
    }
    changed.add(key);
  };

  const copy = {
    head: '0-0',
    isWhole: false,
    refusals,
    entries: new Map<string, Entry>(),
    moveTo(position: string): void {
      if (compare(position, copy.head) < 0 && !isUnclaimed(copy.head)) {
        const what = `${position} is before ${copy.head}`;
        throw new ClientError('ROLLED_BACK', what, { retryable: true });
      }
      copy.head = position;
    },
    read(key: string, proof: Proof): Reading {
      const entry = copy.entries.get(key);
      if (entry?.reading && entry.proof === proof) return entry.reading;
      const isRefused = refusals.has(key);
      const reading: Reading = Object.freeze({
        key,
        value: entry?.value,
        position: entry?.position ?? '0-0',
        changedAt: entry?.changedAt,
        get freshness() {
          return isRefused ? 'stale' : proof.freshness;
        },
        get staleMs() {
          return proof.staleMs;
        },
        source: proof.source,
        get ownerAlive() {
          return proof.owner === 'alive';
        },
        get owner() {
          return proof.owner;
        },
      });
      if (entry && !isRefused) Object.assign(entry, { reading, proof });
      return reading;
    },
    replace({ head, state }: StateEvent, changed: Set<string>): void {
      copy.moveTo(head);
      const before = copy.entries;
      copy.entries = new Map();
      refusals.clear();
      for (const [key, held] of Object.entries(state)) put(key, held, before, changed);
      for (const key of before.keys()) if (!copy.entries.has(key)) changed.add(key);
      copy.isWhole = true;
    },
    apply({ position, changes, deletes }: ChangeEvent, changed: Set<string>): void {
      copy.moveTo(position);
      for (const change of changes) put(change.key, change, copy.entries, changed);
      for (const key of deletes) {
        const wasThere = copy.entries.delete(key);
        if (refusals.delete(key) || wasThere) changed.add(key);
      }
    },
  };
  return copy;
}
