/**
 * Observers: the events of a process, for metrics, traces and the live page.
 *
 * The actors call every observer synchronously and ignore its errors. Invariant: an event holds names,
 * numbers and error codes alone; never a value, a token or an address of Redis.
 */
import type { Mode } from '../state/mode.ts';
import type { Ownership } from '../state/mode.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { FrameTrace } from '../state/trace.ts';

/** What a participant is in its space. */
export type Role = 'owner' | 'follower';
/** The path by which a frame came. */
export type FramePath = 'redis' | 'direct';

/** A commit that is about to be sent. */
export interface Committing {
  /** The name of the space. */
  readonly space: string;
  /** The owner's `connect({ name })`. */
  readonly owner: string;
  /** The store's head after the commit. */
  readonly position: string;
  /**
   * `frame`: changes on top of the store's head. `heartbeat`: no change. `turn`: more changes than one
   * commit takes, as one. `replace-all`: the whole state.
   */
  readonly kind: 'frame' | 'heartbeat' | 'turn' | 'replace-all';
  /** The number of keys in it. */
  readonly keys: number;
  /** Keys and values, as sent, bytes of UTF-8. Of a whole state they are known at its end, and 0 before. */
  readonly bytes: number;
  /** Sets and deletes since the store's head that a later one of the same key has replaced. */
  readonly conflated: number;
  /** Followers got the changes before, by an announcement. */
  readonly isAnnounced: boolean;
  /**
   * The wait of the oldest change in the commit, ms; `undefined` without changes, or where it is not known.
   */
  readonly waitedMs: number | undefined;
}

/** A commit that has ended. */
export interface Committed extends Committing {
  /** `unknown`: no answer came, or the answer was an error. */
  readonly outcome: 'committed' | 'fenced' | 'head_moved' | 'keys_lost' | 'unknown';
  /** The store's round trip, ms. */
  readonly storeMs: number;
}

/**
 * A frame that was received and made visible. On the direct path the owner's clock stands in for the
 * server's.
 */
export interface Applied {
  /** The name of the space. */
  readonly space: string;
  /** The path by which it came. */
  readonly path: FramePath;
  /** The follower's position after the frame. */
  readonly position: string;
  /** The revision after the frame. */
  readonly revision: number;
  /** The frame goes from `prev` to `revision`. */
  readonly prev: number;
  /** The number of keys that changed here. */
  readonly keys: number;
  /** The length of the message, bytes of UTF-8. */
  readonly bytes: number;
  /** The time of arrival, on `Time`, ms. */
  readonly receivedAt: number;
  /** The time at which the frame was visible here, on `Time`, ms. */
  readonly appliedAt: number;
  /**
   * The update latency: from the set of the oldest change that was not visible here before until it was, ms.
   * Also where a later set of the same key has replaced that change on the way, as during an outage.
   * `undefined` where it is not known.
   */
  readonly updateLatencyMs: number | undefined;
  /** The same of the oldest change that is still in the frame, ms: at most `updateLatencyMs`. */
  readonly frameLatencyMs: number | undefined;
  /** The true latency is within `updateLatencyMs ± errorMs`: the sum of both clocks' error bounds, ms. */
  readonly errorMs: number;
  /**
   * The part of the latency before publication, ms: gathering, waiting for the commit before, the way to the
   * store. `undefined` where it is not known, as for an announcement.
   */
  readonly ownerMs: number | undefined;
  /**
   * The part of the latency after publication, ms; `undefined` where it is not known, as for an announcement.
   */
  readonly followerMs: number | undefined;
  /** @internal */
  readonly trace: FrameTrace | undefined;
}

/** A catch-up: the follower has read from the keys what changed since its position. */
export interface Synced {
  /** The name of the space. */
  readonly space: string;
  /** The catch-up read the whole state, not only the changes. */
  readonly isFull: boolean;
  /** The number of keys that changed here. */
  readonly keys: number;
  /** From the question until the changes were visible, ms. */
  readonly tookMs: number;
  /** The position after it. */
  readonly position: string;
  /** The path by which the changes came: from Redis's keys, or as a whole state from the owner. */
  readonly path: FramePath;
  /**
   * The update latency, as in `Applied`: of the oldest change that was not visible here before, ms. `undefined`
   * where nothing was new, this follower has just begun, or it is not known.
   */
  readonly updateLatencyMs: number | undefined;
  /** The true latency is within `updateLatencyMs ± errorMs`, ms. */
  readonly errorMs: number;
}

/** Data that was not applied. */
export interface Rejected {
  /** The name of the space. */
  readonly space: string;
  /**
   * `frame`: the data is no valid message. `version`: a message of another version of the wire. `kind`: one
   * of an unknown kind. `value`: a schema refused a value. `epoch`: no owner can have reached this epoch or
   * revision. `fenced`: the frame is from an owner that has lost the space.
   */
  readonly reason: 'frame' | 'version' | 'kind' | 'value' | 'epoch' | 'fenced';
}

/** The content of a copy was found to differ from its owner's state. */
export interface Mismatched {
  /** The name of the space. */
  readonly space: string;
  /** The path of the frame that showed it. */
  readonly path: FramePath;
  /** The follower's position then. */
  readonly position: string;
}

/** The mode of a participant has changed. */
export interface ModeChanged {
  /** The name of the space. */
  readonly space: string;
  /** The role of the participant. */
  readonly role: Role;
  /** The mode from now on. */
  readonly mode: Mode;
  /** The mode before. */
  readonly from: Mode;
  /** Why, for people. */
  readonly reason: string;
}

/** A connection of this process has come up or gone down. */
export interface LinkChanged {
  /** `commands` and `subscriber` are connections to Redis; `direct` is the direct path to an owner. */
  readonly link: 'commands' | 'subscriber' | 'direct';
  /** Whether it is up from now on. */
  readonly isUp: boolean;
  /** The link was up before, at any time. */
  readonly isAgain: boolean;
  /** The code of the error with which it went down; `undefined` where it is up, or none is known. */
  readonly code: ErrorCode | undefined;
}

/** A frame that went out ahead of its commit. */
export interface Sent {
  /** The name of the space. */
  readonly space: string;
  /** The path by which it went. */
  readonly path: FramePath;
  /** The number of keys in it. */
  readonly keys: number;
  /** Keys and values, as sent, bytes of UTF-8. */
  readonly bytes: number;
  /** Sets and deletes that a later one of the same key replaced before the frame went out. */
  readonly conflated: number;
}

/** The events, by kind. */
export interface Happenings {
  /** A commit has ended. */
  committed: Committed;
  /** A frame went out ahead of its commit: as an announcement, or to a reader of the direct path. */
  sent: Sent;
  /** A frame was applied. */
  applied: Applied;
  /** A follower has caught up from the keys. */
  synced: Synced;
  /** A frame, or the content of the store, does not continue the state that this process has. */
  gap: { readonly space: string; readonly role: Role; readonly reason: string };
  /** Data was not applied. */
  rejected: Rejected;
  /** The content of a copy differed. */
  mismatch: Mismatched;
  /** A participant was opened; its mode is `recovering`. */
  opened: { readonly space: string; readonly role: Role };
  /** The mode of a participant has changed. */
  mode: ModeChanged;
  /** An owner's right to its space has changed. */
  ownership: { readonly space: string; readonly ownership: Ownership };
  /** This process has claimed the space. `tookMs`: the time that it took, ms. */
  claimed: { readonly space: string; readonly epoch: number; readonly tookMs: number };
  /**
   * An owner has lost its space, or did not get it. `uncommitted`: the number of changes that Redis never
   * confirmed.
   */
  fenced: { readonly space: string; readonly code: ErrorCode; readonly uncommitted: number };
  /** A connection has come up or gone down. */
  link: LinkChanged;
  /** A participant has reported an error. */
  error: { readonly space: string; readonly role: Role; readonly code: ErrorCode };
}

/**
 * One method for each kind of event that the observer wants. It runs in the actor's own turn, so it must be
 * quick.
 */
export type Observer = { readonly [K in keyof Happenings]?: (event: Happenings[K]) => void };

/** All observers of a process. */
export class Observers {
  readonly #all = new Set<Observer>();

  /** Adds an observer. Returns a function that removes it. */
  add(observer: Observer): () => void {
    this.#all.add(observer);
    return () => void this.#all.delete(observer);
  }

  /** No observer is there: a caller need not compute the details of an event. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  tell<K extends keyof Happenings>(kind: K, event: Happenings[K]): void {
    for (const observer of this.#all) {
      try {
        observer[kind]?.(event);
      } catch {
        // An observer must not disturb the actor that it observes, and its error has no other recipient.
      }
    }
  }
}
