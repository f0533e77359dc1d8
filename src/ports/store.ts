/**
 * What the actors know of Redis: a store that holds each space, and two links that come and go.
 *
 * The contract, kept by every store and checked by one suite (`test/contract/_store-contract.ts`):
 * - each call is atomic, and changes nothing when it is refused;
 * - an epoch, once claimed, is higher than all before, and fences all that is lower;
 * - `commit` and `replacement` apply only under the newest epoch, `commit` only on top of the head it names;
 * - what is published under a space reaches its subscribers in order, or not at all;
 * - a rejection with `REDIS_UNAVAILABLE` says nothing about whether the call was carried out.
 */
import type { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Line, Position } from '../state/position.ts';

/** A connection that comes and goes. */
export interface Link {
  readonly up: boolean;
  /** Why it is not up. */
  readonly error: TandemError | undefined;
  /** What a person should mend, though it serves. A new one with each connection. */
  readonly warning?: TandemError | undefined;
  /** Calls back after each change of `up`, and for each new error or warning. Returns the way to stop it. */
  watch(changed: () => void): () => void;
}

/** What a store holds of a space. */
export interface Head extends Line {
  readonly revision: number;
  /** The newest epoch that was claimed; `epoch` follows with that owner's first commit. */
  readonly fence: number;
  /** Keys that hold a value. */
  readonly size: number;
  /** Deletes at or below this revision are forgotten. */
  readonly horizon: number;
  /** When the last frame was cut, server's time in ms; 0 when there was none. */
  readonly cutAt: number;
  /** The id of the last to claim. */
  readonly owner: string;
  /** Its `connect({ name })`. */
  readonly ownerName: string;
  /** For how long the lease is still held, ms; 0 when it is free. */
  readonly leaseMs: number;
  /** Some keys were lost: evicted, or deleted by hand. */
  readonly keysLost: boolean;
  /** Server's time, ms. */
  readonly now: number;
}

export interface Claim {
  /** The id of the owner actor. */
  readonly owner: string;
  readonly ownerName: string;
  /** The highest epoch that the claimer has seen. */
  readonly known: number;
  readonly leaseMs: number;
}

/** What the header of a frame says for those who measure. */
export type Measures = Pick<Header, 'setAt' | 'setErrorMs' | 'trace'>;

/** A cut of the owner's state, on its way to the store. */
export interface Cut extends Line {
  readonly owner: string;
  /** For how long the lease holds from this cut on. */
  readonly leaseMs: number;
  /**
   * A moment ago there was one that was not: the lease is not renewed with it, nor is counted whether all is held; and base
   * and horizon are what they were. Default false.
   */
  readonly isLight?: boolean;
  /** The head on which this cut stands. */
  readonly prev: Position;
  readonly revision: number;
  readonly horizon: number;
  /** Server's time, ms, when the cut was made. */
  readonly cutAt: number;
  readonly changes: readonly Change[];
  /** Keys of tombstones to forget. */
  readonly dropped: readonly string[];
  readonly measures?: Measures;
  /** All of it was announced, and is not published once more. Default false. */
  readonly isAnnounced?: boolean;
}

/** A whole state to put in place of what the store holds. */
export type Replacement = Omit<Cut, 'prev' | 'dropped' | 'measures' | 'isLight' | 'isAnnounced'>;

export interface SinceOptions {
  /** The horizon at which the full sync began that this page goes on with. Default 0. */
  readonly horizon?: number;
  /** The highest epoch that the asker has seen: the owner has to be above it. Default 0. */
  readonly seen?: number;
}

export interface Page {
  readonly head: Head;
  /** The page begins a full sync: what the asker holds counts for nothing. */
  readonly full: boolean;
  /** More pages follow. */
  readonly more: boolean;
  /** In revision order. */
  readonly changes: readonly Change[];
}

export type Outcome<Good extends string, Bad extends string> =
  { readonly outcome: Good; readonly head: Head } | { readonly outcome: Bad; readonly head: Head };

export interface Capacity {
  readonly changes: number;
  /** Of keys and values, in UTF-16 code units. One change may be longer. */
  readonly length: number;
  /** Changes that cannot be parted. */
  readonly mostChanges: number;
}

/** What came of a commit. Of a light one that was carried out there is nothing to tell. */
export type Committed =
  | { readonly outcome: 'committed'; readonly head?: Head }
  | { readonly outcome: 'fenced' | 'head_moved' | 'keys_lost'; readonly head: Head };

export interface Store {
  /** How much one commit is to take, so that it holds up nobody else; and how much it can where it has to. */
  readonly capacity: Capacity;
  /** For calls. */
  readonly commands: Link;
  /** For what is published. */
  readonly subscriber: Link;
  /**
   * Whether something can be announced now. Not where what is announced may reach subscribers in another order than what is
   * committed.
   */
  readonly canAnnounce: boolean;

  /**
   * `held` while another owner has the lease; else the space is claimed: `head.fence` is the new epoch, and is published, so that
   * subscribers take nothing that an earlier owner announces late.
   */
  claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held'>>;
  /**
   * `committed`: applied, published (unless it was announced), and, unless it is light, the lease renewed. `fenced`: another owner has claimed. `diverged`: the head
   * is not `prev`, or the claim is gone. `damaged`: keys were lost. Nothing was done then.
   */
  commit(space: string, cut: Cut): Promise<Committed>;
  /**
   * Publishes a frame, and changes nothing: its commit follows. Whoever announces holds the lease. Nobody says whether it has arrived: where
   * a later commit is carried out, it has.
   */
  announce(space: string, header: Header, changes: readonly Change[]): void;
  /** Replaces the whole state, however large, in one step that readers can see. */
  replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>>;
  /** What changed since `position`, at most `limit` changes of it. */
  since(space: string, position: Position, limit: number, options?: SinceOptions): Promise<Page>;
  /** Keeps the lease, and changes nothing else. */
  renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void>;
  /** Gives up the lease, if `owner` has it under this epoch, and publishes the goodbye, where there is one. */
  release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void>;

  /** Delivers what is published under the space, until the link goes down or `unsubscribe` is called. */
  subscribe(space: string, deliver: (message: string) => void): Promise<void>;
  unsubscribe(space: string, deliver: (message: string) => void): Promise<void>;
}
