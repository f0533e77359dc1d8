/** The finder: finds the spaces of a server by the beginning of their names. */
import type { TandemError } from '../base/errors.ts';
import type { Link } from './store.ts';

/** Is given each message that is published under a space. */
export type DeliverFrom = (space: string, message: string) => void;

/** The spaces that were found. */
export interface Found {
  readonly names: readonly string[];
  /** Why some may be missing: a shard of a Cluster is out. Default: none is. */
  readonly missing?: TandemError | undefined;
}

export interface Finder {
  /**
   * Whether `subscribe` brings all messages of the spaces. Where it does not, it brings claims and removals: enough
   * to know of a space. Default true.
   */
  readonly bringsFrames?: boolean;
  /** The links over which it looks. Default: those of the store. */
  readonly links?: { readonly commands: Link; readonly subscriber: Link };
  /**
   * The names that begin with `start`, in no order; those of removed spaces are left out. It walks over all keys
   * of the server in small steps: a space that comes meanwhile may be missing.
   */
  names(start: string, signal: AbortSignal): Promise<Found>;
  /** Of these names, those that somebody has claimed, and nobody has removed since. */
  present(names: readonly string[]): Promise<readonly string[]>;
  /**
   * Delivers the messages of all spaces whose names begin with `start`, over one subscription, until the link goes
   * down or `unsubscribe` is called.
   */
  subscribe(start: string, deliver: DeliverFrom): Promise<void>;
  unsubscribe(start: string, deliver: DeliverFrom): Promise<void>;
}
