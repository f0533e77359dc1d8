/** The finder: finds the spaces of a server by the beginning of their names. */

/** Is given each message that is published under a space. */
export type DeliverFrom = (space: string, message: string) => void;

export interface Finder {
  /**
   * The names that begin with `start`, in no order; those of removed spaces are left out. It walks over all keys
   * of the server in small steps: a space that comes meanwhile may be missing.
   */
  names(start: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Of these names, those that somebody has claimed, and nobody has removed since. */
  present(names: readonly string[]): Promise<readonly string[]>;
  /**
   * Delivers the messages of all spaces whose names begin with `start`, over one subscription, until the link goes
   * down or `unsubscribe` is called.
   */
  subscribe(start: string, deliver: DeliverFrom): Promise<void>;
  unsubscribe(start: string, deliver: DeliverFrom): Promise<void>;
}
