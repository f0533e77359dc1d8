/**
 * A standby: follows a space, and knows when it is free to be claimed.
 *
 * It waits a full lease without a sign of the owner by any path, and where Redis was out, that long from its return. So
 * when Redis is wiped, and the lease with it, a living owner, which reclaims at once, comes first.
 */
import type { AnyActorRef } from '../actor/logic.ts';
import { startChild } from '../actor/logic.ts';
import { pause } from '../base/time.ts';
import type { Follower } from '../follower/follower.ts';
import { followerLogic } from '../follower/follower.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Change } from '../state/change.ts';
import type { Captured } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import { parsePosition } from '../state/position.ts';
import type { Proof, Reading } from '../state/reading.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Space } from '../state/space.ts';
import { json } from '../state/schema.ts';
import { defineSpace } from '../state/space.ts';
import type { StateView } from './state-view.ts';
import type { Inheritance } from './takeover.ts';

const POLL_MS = 20;
/** Within this time all living participants have come back to a Redis that was out: the longest pause, and a try. */
const RETURN_MS = 1_000;

/** Values as they travel: readers apply their schemas. */
const RAW = { '*': json() };

export class Standby implements Inheritance, StateView {
  readonly follower: Follower<typeof RAW>;
  readonly #runtime: Runtime;
  readonly #leaseMs: number;
  readonly #unwatch: () => void;
  #hasSynced = false;
  /** Redis was not out yet: nobody can be on the way back to it. */
  #isFirst = true;
  #upSince = Infinity;

  constructor(space: Space, runtime: Runtime, parent: AnyActorRef, leaseMs: number) {
    this.#runtime = runtime;
    this.#leaseMs = leaseMs;
    this.#unwatch = runtime.store.commands.watch(() => this.#linkChanged());
    this.#linkChanged();
    // The owner is registered, and not the follower that serves it.
    const unlisted = { ...runtime, registry: { enter: () => {}, leave: () => {}, size: 0 } };
    const logic = followerLogic(defineSpace(space.name, RAW), unlisted);
    this.follower = startChild('follower', logic, { parent, id: 'standby' });
    this.follower.on('mode', ({ mode }) => void (this.#hasSynced ||= mode === 'connected'));
  }

  /**
   * Resolves when the owner has given no sign for a lease in which it could have, through a Redis that can be asked; or
   * when aborted.
   */
  async untilFree(signal: AbortSignal): Promise<void> {
    const { time, store } = this.#runtime;
    while (!signal.aborted) {
      const hasWaited = time.now() - this.#upSince >= Math.max(this.#leaseMs, RETURN_MS);
      // Redis may have lost keys, with nobody left to mend it: a standby does not wait for a whole state.
      // planted: standby-ready
      const isReady = hasWaited || (this.#isFirst && this.#hasSynced);
      if (store.commands.up && isReady && !this.follower.proof.ownerAlive()) return;
      await pause(time, POLL_MS, signal);
    }
  }

  stop(): void {
    this.#unwatch();
    this.follower.close();
  }

  // ---- what it holds, for readers ----

  get size(): number {
    return this.follower.size;
  }

  get position(): Position {
    return parsePosition(this.follower.head);
  }

  get proof(): Proof {
    return this.follower.proof;
  }

  get correctedAt(): Position | undefined {
    return this.follower.correctedAt;
  }

  entry(key: string): Entry<Captured> | undefined {
    const reading = this.follower.get(key);
    return reading.value === undefined ? undefined : entryOf(reading);
  }

  *entries(): Iterable<Entry<Captured>> {
    for (const reading of this.follower.entries()) yield entryOf(reading);
  }

  entriesSince(from: Position): Entry<Captured>[] | undefined {
    return this.follower.readingsSince(from)?.map(entryOf);
  }

  // ---- what it holds, for the takeover ----

  changes(): readonly Change[] {
    // planted: inherited
    return [...this.entries()].toSorted((a, b) => a.revision - b.revision).map(changeOf);
  }

  changesSince(from: Position): readonly Change[] | undefined {
    return this.entriesSince(from)?.map(changeOf);
  }

  #linkChanged(): void {
    const { store, time } = this.#runtime;
    if (store.commands.up) this.#upSince = time.now();
    else if (store.commands.error !== undefined) this.#isFirst = false;
  }
}

function entryOf({ key, value, position }: Reading): Entry<Captured> {
  const captured = value === undefined ? undefined : { json: JSON.stringify(value) };
  return { key, value: captured, ...parsePosition(position) };
}

function changeOf({ key, revision, value }: Entry<Captured>): Change {
  return { key, revision, json: value?.json ?? '' };
}
