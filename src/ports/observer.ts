/**
 * The cutPoint between the actors and whoever measures: what happens in a process, told as it happens.
 *
 * The core knows nothing of those who listen, and never waits for them. Nothing that is told holds a value, a token
 * or an address of Redis: only names, numbers, and error codes.
 */
import type { Mode } from '../state/mode.ts';
import type { Ownership } from '../state/mode.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { FrameTrace } from '../state/trace.ts';

export type Role = 'owner' | 'follower';
/** How a frame came. */
export type FramePath = 'redis' | 'direct';

/** A commit that is about to be made. */
export interface Committing {
  readonly space: string;
  /** The name of the process. */
  readonly owner: string;
  /** Where the store will be. */
  readonly position: string;
  /** `frame`: a cut on top of what the store has. `heartbeat`: one of no change. `replacement`: the whole state instead. */
  readonly kind: 'frame' | 'heartbeat' | 'replace-all';
  readonly keys: number;
  /** Keys, values and what goes with them, as sent, in UTF-8. */
  readonly bytes: number;
  /** Sets and deletes since the store's head that a later one of the same key has replaced. */
  readonly conflated: number;
  /** It was announced: followers were told before. */
  readonly isAnnounced: boolean;
  /** For how long the oldest change in it had waited, ms; `undefined` where there is none, or it is not known. */
  readonly waitedMs: number | undefined;
}

/** A commit, as it ended. */
export interface Committed extends Committing {
  /** `unknown`: no answer came, or it was an error. */
  readonly outcome: 'committed' | 'fenced' | 'head_moved' | 'keys_lost' | 'unknown';
  /** How long the store took, there and back, ms. */
  readonly storeMs: number;
}

/** A frame as it was received and made visible. Times of the server's are the owner's on the direct path. */
export interface Applied {
  readonly space: string;
  readonly path: FramePath;
  /** Where the follower is now. */
  readonly position: string;
  readonly revision: number;
  /** The frame's: it goes from `prev` to `revision`. */
  readonly prev: number;
  /** How many keys changed here. */
  readonly keys: number;
  readonly bytes: number;
  /** When it came, on `Time`, ms. */
  readonly receivedAt: number;
  /** When it was visible here, on `Time`, ms. */
  readonly appliedAt: number;
  /** From when the oldest change in it was set to when it was visible here, ms; `undefined` where it is not known. */
  readonly updateLatencyMs: number | undefined;
  /** The truth is within `updateLatencyMs ± errorMs`: both clocks' bounds. */
  readonly errorMs: number;
  /** Of that, until it was published: gathering, waiting for the commit before, and the way to the store. */
  readonly ownerMs: number | undefined;
  /** And from then on; of what was announced neither is known. */
  readonly followerMs: number | undefined;
  readonly trace: FrameTrace | undefined;
}

/** A catch-up: the keys were asked what changed. */
export interface Synced {
  readonly space: string;
  /** The whole state was read, not only what changed. */
  readonly isFull: boolean;
  readonly keys: number;
  /** From asking to visible, ms. */
  readonly tookMs: number;
  readonly position: string;
}

/** Data that was not applied. */
export interface Rejected {
  readonly space: string;
  /**
   * `frame`: cannot be read as one. `value`: refused by its schema. `epoch`: far in the future. `fenced`: of an owner
   * that has lost the space.
   */
  readonly reason: 'frame' | 'value' | 'epoch' | 'fenced';
}

export interface ModeChanged {
  readonly space: string;
  readonly role: Role;
  readonly mode: Mode;
  readonly from: Mode;
  readonly reason: string;
}

export interface LinkChanged {
  /** `commands` and `subscriber` are connections to Redis; `direct` is a way to an owner. */
  readonly link: 'commands' | 'subscriber' | 'direct';
  readonly isUp: boolean;
  /** It was up before. */
  readonly isAgain: boolean;
  readonly code: ErrorCode | undefined;
}

export interface Sent {
  readonly space: string;
  readonly path: FramePath;
  readonly keys: number;
  readonly bytes: number;
  /** Sets and deletes that a later one of the same key replaced before they were announced. */
  readonly conflated: number;
}

/** What there is to be told. */
export interface Happenings {
  committed: Committed;
  /** A frame went out ahead of its commit: announced, or to a reader of the direct path. */
  sent: Sent;
  applied: Applied;
  synced: Synced;
  /** What came, or what the store holds, does not follow what is known here. */
  gap: { readonly space: string; readonly role: Role; readonly reason: string };
  rejected: Rejected;
  /** A participant was opened: it is `recovering`. */
  opened: { readonly space: string; readonly role: Role };
  mode: ModeChanged;
  ownership: { readonly space: string; readonly ownership: Ownership };
  /** The space was claimed, after so long. */
  claimed: { readonly space: string; readonly epoch: number; readonly tookMs: number };
  fenced: { readonly space: string; readonly code: ErrorCode; readonly uncommitted: number };
  link: LinkChanged;
  error: { readonly space: string; readonly role: Role; readonly code: ErrorCode };
}

/** Listens to what it has a method for. Called at once, in the actor's own turn: it has to be quick. */
export type Observer = { readonly [K in keyof Happenings]?: (what: Happenings[K]) => void };

/** All who listen in a process. */
export class Observers {
  readonly #all = new Set<Observer>();

  /** Returns the way to stop it. */
  add(observer: Observer): () => void {
    this.#all.add(observer);
    return () => void this.#all.delete(observer);
  }

  /** Nobody listens: what costs something to find out need not be. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  tell<K extends keyof Happenings>(kind: K, what: Happenings[K]): void {
    for (const observer of this.#all) {
      try {
        observer[kind]?.(what);
      } catch {
        // Whoever measures must not disturb what is measured; and there is nobody else to tell.
      }
    }
  }
}
