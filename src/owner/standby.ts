/**
 * A standby: follows a space, and knows when the space is free to be claimed.
 *
 * It is free once Redis is up, the lease of the last owner is over, and the standby is ready. Where Redis was
 * never out, the standby is ready once it has synced; in any case a lease, and at least a second, after Redis
 * came up. So where Redis has lost the lease, a living owner, which claims again at once, comes first. A
 * machine that has slept counts its waking as Redis's return: what the standby knew of the owner is void.
 */
import type { AnyActorRef } from '../actor/logic.ts';
import { startChild } from '../actor/logic.ts';
import type { OwnerIdentity } from '../actor/proof-watch.ts';
import { pause } from '../base/time.ts';
import type { Follower } from '../follower/follower.ts';
import { followerLogic } from '../follower/follower.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Change } from '../state/change.ts';
import type { ChangeTimes } from '../state/change-times.ts';
import type { Captured } from '../state/captured.ts';
import type { Position } from '../state/position.ts';
import { parsePosition } from '../state/position.ts';
import type { LeaseWatch } from '../state/lease-watch.ts';
import type { Proof, Row, TimeOf } from '../state/reading.ts';
import type { Entry } from '../state/entry.ts';
import type { Space } from '../state/space.ts';
import { printJson } from '../state/json.ts';
import { json } from '../state/schema.ts';
import { defineSpace } from '../state/space.ts';
import type { StateView } from './state-view.ts';
import type { Inheritance } from './takeover.ts';

const POLL_MS = 20;
/** Within this time of Redis's return all living participants are back, ms: the longest pause, and a try. */
const RETURN_MS = 1_000;

/** Values as they travel: the owner's readings apply its schemas. */
const RAW = { '*': json() };

export class Standby implements Inheritance, StateView {
  readonly follower: Follower<typeof RAW>;
  readonly #runtime: Runtime;
  readonly #leaseMs: number;
  readonly #unwatch: () => void;
  #hasSynced = false;
  /** Whether Redis was never found out: then no living owner can be on its way back to it. */
  #isFirst = true;
  /** The time since when Redis is up, on `Time`, ms. */
  #upSince = Infinity;

  constructor(space: Space, runtime: Runtime, parent: AnyActorRef, leaseMs: number) {
    this.#runtime = runtime;
    this.#leaseMs = leaseMs;
    this.#unwatch = runtime.store.commands.watch(() => this.#linkChanged());
    this.#linkChanged();
    // The registry has the owner, and not the follower that works for it.
    // It goes on after a removal: it is to be there for whoever owns the space next.
    const registry = { enter: () => {}, leave: () => {}, size: 0 };
    const unlisted = { ...runtime, registry, onRemoval: 'goOn' } as const;
    const logic = followerLogic(defineSpace(space.name, RAW), unlisted);
    this.follower = startChild('follower', logic, { parent, id: 'standby' });
    this.leaseWatch.assume(leaseMs);
    this.follower.on('mode', ({ mode }) => void (this.#hasSynced ||= mode === 'connected'));
  }

  /** Resolves once the space is free (see the head of this file), or when aborted. */
  async untilFree(signal: AbortSignal): Promise<void> {
    const { time, store } = this.#runtime;
    while (!signal.aborted) {
      const now = time.now();
      if (this.#upSince < time.wokeAt) this.#woke(time.wokeAt);
      const hasWaited = now - this.#upSince >= Math.max(this.#leaseMs, RETURN_MS);
      // Redis may have lost keys, and nobody is left to mend that: after the wait, no sync is required.
      // planted: standby-ready
      const isReady = hasWaited || (this.#isFirst && this.#hasSynced);
      if (store.commands.up && isReady && !this.follower.proof.ownerAlive()) return;
      await pause(time, POLL_MS, signal);
    }
  }

  /** What its follower has seen of the owner's lease: a claim need not watch it from the beginning. */
  get leaseWatch(): LeaseWatch {
    return this.follower.leaseWatch;
  }

  stop(): void {
    this.#unwatch();
    this.follower.close();
  }

  // ---- its copy, for readings ----

  get size(): number {
    return this.follower.size;
  }

  get position(): Position {
    return parsePosition(this.follower.head);
  }

  get proof(): Proof {
    return this.follower.proof;
  }

  get ownerIdentity(): OwnerIdentity | 'asked' | undefined {
    return this.follower.ownerIdentity;
  }

  get correctedAt(): Position | undefined {
    return this.follower.correctedAt;
  }

  readonly timeOf: TimeOf = (revision) => this.times.at(revision);

  /** When the keys were set, on the server's clock. */
  get times(): ChangeTimes {
    return this.follower.times;
  }

  entry(key: string): Entry<Captured> | undefined {
    const { value, position } = this.follower.get(key);
    return value === undefined ? undefined : entryOf({ key, value, ...parsePosition(position) });
  }

  *entries(): Iterable<Entry<Captured>> {
    for (const row of this.follower.rows()) yield entryOf(row);
  }

  entriesSince(from: Position): Entry<Captured>[] | undefined {
    return this.follower.rowsSince(from)?.map(entryOf);
  }

  *snapshot(from?: Position): Generator<Entry<Captured> | undefined, void, void> {
    for (const row of this.follower.snapshotRows(from)) yield row && entryOf(row);
  }

  // ---- its copy, for the takeover ----

  canContinue(from: Position): boolean {
    return this.follower.canContinue(from);
  }

  /**
   * The changes of its copy after a revision, in revision order, deletes too, as they are at the first step.
   * The whole copy comes without deletes, since it does not know all of them.
   */
  *changes(after: number): Generator<Change> {
    // planted: inherited
    for (const { key, revision, value } of this.follower.snapshot(after)) {
      if (value !== undefined || after > 0)
        yield { key, revision, json: value === undefined ? '' : printJson(value) };
    }
  }

  #linkChanged(): void {
    const { store, time } = this.#runtime;
    if (store.commands.up) this.#upSince = time.now();
    else if (store.commands.error !== undefined) this.#isFirst = false;
  }

  #woke(at: number): void {
    this.#upSince = at;
    this.#isFirst = false;
  }
}

function entryOf({
  key,
  value,
  epoch,
  revision,
}: Omit<Row, 'proof' | 'position' | 'changedAt' | 'reading'>): Entry<Captured> {
  const captured = value === undefined ? undefined : { json: printJson(value) };
  return { key, value: captured, epoch, revision };
}
