/**
 * A link of one space, which follows its shard.
 *
 * The space may move to another shard while that one's links are made. The link stays up meanwhile, for as long as
 * one call may take: what is called waits. Only then is it down.
 */
import type { TandemError } from '../../base/errors.ts';
import type { Cancel, Time } from '../../base/time.ts';
import { unavailable } from '../errors.ts';
import type { Link } from '../../ports/store.ts';

export interface SpaceLinkParts {
  readonly time: Time;
  /** How long it stays up during a move, ms. */
  readonly graceMs: number;
  /** Why the shard is not known, where there is an error. */
  readonly why: () => TandemError | undefined;
  /** Told of the first watcher, and of the end of the last. */
  readonly watched: (isWatched: boolean) => void;
  /** Told when the link of the shard changed, before the watchers are. */
  readonly changed: () => void;
}

export class SpaceLink implements Link {
  readonly #parts: SpaceLinkParts;
  readonly #watchers = new Set<() => void>();
  #link: Link | undefined;
  #unwatch: (() => void) | undefined;
  #cancelGrace: Cancel | undefined;
  /** Taken down although that of the shard is up: watchers begin anew when it is up again. */
  #isBroken = false;

  constructor(parts: SpaceLinkParts) {
    this.#parts = parts;
  }

  get up(): boolean {
    return !this.#isBroken && (this.isReady || this.isMoving);
  }

  /** Whether calls are taken now. */
  get isReady(): boolean {
    return this.#link?.up ?? false;
  }

  /** Whether a move is under way, and not too long. */
  get isMoving(): boolean {
    return this.#cancelGrace !== undefined;
  }

  get error(): TandemError | undefined {
    if (this.#isBroken) return unavailable('the shard of the space has changed');
    return this.#link === undefined ? this.#parts.why() : this.#link.error;
  }

  get warning(): TandemError | undefined {
    return this.#link?.warning;
  }

  watch(changed: () => void): () => void {
    // Whoever begins to watch is not called back meanwhile.
    if (this.#watchers.size === 0) this.#parts.watched(true);
    this.#watchers.add(changed);
    this.#attach();
    return () => {
      if (!this.#watchers.delete(changed) || this.#watchers.size > 0) return;
      this.#detach();
      this.#parts.watched(false);
    };
  }

  /** Follows another shard from now on. */
  follow(link: Link | undefined): void {
    if (link === this.#link) return;
    const wasUp = this.up;
    this.#detach();
    this.#link = link;
    if (wasUp && link !== undefined && !this.isReady)
      this.#cancelGrace = this.#parts.time.after(this.#parts.graceMs, () => {
        this.#cancelGrace = undefined;
        if (!this.isReady) this.tell();
      });
    if (this.#watchers.size > 0) this.#attach();
    if (wasUp !== this.up) this.tell();
  }

  /** Takes it down for a moment, so that its watchers begin anew. */
  break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.tell();
    this.#parts.time.endOfTurn(() => {
      this.#isBroken = false;
      this.tell();
    });
  }

  tell(): void {
    for (const changed of this.#watchers) changed();
  }

  #attach(): void {
    if (this.#link === undefined || this.#unwatch !== undefined) return;
    this.#unwatch = this.#link.watch(() => this.#changed());
  }

  #detach(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#cancelGrace?.();
    this.#cancelGrace = undefined;
  }

  #changed(): void {
    const wasMoving = this.isMoving;
    if (this.isReady) {
      this.#cancelGrace?.();
      this.#cancelGrace = undefined;
    }
    this.#parts.changed();
    // Watchers have seen it up all the time.
    if (!wasMoving) this.tell();
  }
}
