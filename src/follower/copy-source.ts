/**
 * What a follower's feed serves: its copy, for processes that follow this one. It passes on the proof of the copy
 * as it is: the times in its frames are those of the proof, so nobody behind takes the copy for fresher than it
 * is here. It is in doubt while this follower itself hears nobody.
 */
import type { FeedSource, HeaderOf } from '../ports/feed-source.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import type { Replica } from '../state/replica.ts';
import type { Snapshot } from '../state/snapshot.ts';
import type { FreshnessTracker } from './freshness.ts';

/** The follower, as its source sees it. */
export interface Following {
  /** Whether frames reach it, by Redis, from its owner, or from upstream. */
  readonly isFollowing: boolean;
}

/** @param values of the copy are JSON texts: see `jsonText` */
export class CopySource implements FeedSource<unknown> {
  readonly #replica: Replica;
  readonly #freshness: FreshnessTracker;
  readonly #following: Following;

  constructor(
    { replica, freshness }: { readonly replica: Replica; readonly freshness: FreshnessTracker },
    following: Following,
  ) {
    this.#replica = replica;
    this.#freshness = freshness;
    this.#following = following;
  }

  get head(): Position {
    return this.#replica.position;
  }

  get isInDoubt(): boolean {
    const { proof, isVoid } = this.#freshness;
    return !this.#following.isFollowing || isVoid || !Number.isFinite(proof.staleMs());
  }

  canContinue(from: Position): boolean {
    return this.#replica.canContinue(from);
  }

  changesSince(revision: number, most: number): readonly Change[] | undefined {
    return this.#replica.changedSince(revision, most)?.map(({ key, value, revision: at }) => ({
      key,
      revision: at,
      json: this.jsonOf(value),
    }));
  }

  snapshot(revision?: number): Snapshot<unknown> {
    return this.#replica.snapshot(revision);
  }

  jsonOf(value: unknown): string {
    return typeof value === 'string' ? value : '';
  }

  /** The lease is as long as what is left of it here. A goodbye is passed on in each header. */
  header({ prev, now }: HeaderOf): Header {
    const { line, position, digest, times } = this.#replica;
    const { proof } = this.#freshness;
    return {
      epoch: line.epoch,
      base: line.base,
      prev,
      revision: position.revision,
      // Rounded down, as the lease is: they may be less than the truth, never more.
      // planted: relay-proof
      cutAt: Math.floor((now - proof.staleMs()) * 1_000) / 1_000,
      leaseMs: Math.floor(proof.leaseMs()),
      bye: proof.owner() === 'released',
      digest,
      times: prev < position.revision ? times.print(prev, position.revision) : undefined,
    };
  }
}
