/**
 * A standby: follows a space, and says when it is free to be claimed.
 *
 * It waits a full lease time without a sign of the owner by any path, and where Redis was out, that long from its
 * return. So when Redis is wiped, and the lease with it, a living owner, who reclaims at once, comes first.
 */
import { createActor } from 'xstate';
import type { AnyActorRef } from 'xstate';
import type { ModeEvent } from '../actor/participant.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Follower } from '../follower/follower.ts';
import { followerLogic } from '../follower/follower.ts';
import type { Change } from '../state/frame.ts';
import type { Captured } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import { parsePosition } from '../state/position.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Space } from '../state/space.ts';
import { defineSpace, json } from '../state/space.ts';
import { pause } from '../base/time.ts';

const POLL_MS = 20;

/** What a standby has in memory at the moment of its takeover. */
export interface Inheritance {
  readonly position: Position;
  /** The whole state as changes, in revision order. */
  changes(): readonly Change[];
  /** What changed since a position, deletes too, in revision order; `undefined` where that is not known. */
  changesSince(from: Position): readonly Change[] | undefined;
}

/**
 * Within so long all that live have come back to a Redis that was out: the longest pause between two tries, and the
 * try.
 */
const RETURN_MS = 1_000;

/** Values as they travel: what schemas make of them is for those who read. */
const RAW = { '*': json() };

export class Standby implements Inheritance {
  readonly follower: Follower<typeof RAW>;
  readonly #runtime: Runtime;
  readonly #leaseMs: number;
  readonly #unwatch: () => void;
  #hasSynced = false;
  /** Nothing was out yet that another could still be coming back to. */
  #isFirst = true;
  #upSince = Infinity;

  constructor(space: Space, runtime: Runtime, parent: AnyActorRef, leaseMs: number) {
    this.#runtime = runtime;
    this.#leaseMs = leaseMs;
    this.#unwatch = runtime.store.commands.watch(() => this.#linkChanged());
    this.#linkChanged();
    // It is the owner that is listed, not what serves it.
    const unlisted = { ...runtime, registry: { enter: () => {}, leave: () => {}, size: 0 } };
    const actor = createActor(followerLogic(defineSpace(space.name, RAW), unlisted), {
      parent,
      id: 'standby',
    });
    this.follower = actor.getSnapshot().follower;
    actor.start();
  }

  onMode(callback: (event: ModeEvent) => void): void {
    this.follower.on('mode', (event) => {
      this.#hasSynced ||= event.mode === 'connected';
      callback(event);
    });
  }

  /**
   * Resolves when the owner has given no sign for a lease time in which it could have, through a Redis that can be
   * asked; or when aborted.
   */
  async untilFree(signal: AbortSignal): Promise<void> {
    const { time, store } = this.#runtime;
    while (!signal.aborted) {
      const hasWaited = time.now() - this.#upSince >= Math.max(this.#leaseMs, RETURN_MS);
      // What Redis holds may be damaged, and nobody left to mend it: it is not waited for.
      const isReady = hasWaited || (this.#isFirst && this.#hasSynced);
      if (store.commands.up && isReady && !this.follower.proof.ownerAlive()) return;
      await pause(time, POLL_MS, signal);
    }
  }

  entry(key: string): Entry<Captured> | undefined {
    const { value, position } = this.follower.get(key);
    return value === undefined
      ? undefined
      : { key, value: { json: JSON.stringify(value) }, ...parsePosition(position) };
  }

  *entries(): Iterable<Entry<Captured>> {
    for (const { key } of this.follower.entries()) yield this.entry(key)!;
  }

  get position(): Position {
    return parsePosition(this.follower.head);
  }

  changes(): readonly Change[] {
    const entries = [...this.entries()].toSorted((a, b) => a.revision - b.revision);
    return entries.map(({ key, revision, value }) => ({ key, revision, json: value!.json }));
  }

  changesSince(from: Position): readonly Change[] | undefined {
    return this.follower.readingsSince(from)?.map(({ key, value, position }) => ({
      key,
      revision: parsePosition(position).revision,
      json: value === undefined ? '' : JSON.stringify(value),
    }));
  }

  stop(): void {
    this.#unwatch();
    this.follower.close();
  }

  #linkChanged(): void {
    const { store, time } = this.#runtime;
    if (store.commands.up) this.#upSince = time.now();
    else if (store.commands.error !== undefined) this.#isFirst = false;
  }
}
