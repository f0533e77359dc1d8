/** What a participant leaves when it stops. */

/** A change that Redis is not known to hold. */
export interface Uncommitted {
  /** The key that was set or deleted. */
  readonly key: string;
  /** The value that was set; `undefined` for a delete. */
  readonly value: unknown;
  /** The position of the change, `epoch-revision`. */
  readonly position: string;
}

/** The result of `stop`. */
export interface Stopped {
  /**
   * The changes that Redis never confirmed, oldest first; empty when all were committed. A change whose
   * commit got no answer in time is among them, and may be in Redis all the same.
   */
  readonly uncommitted: readonly Uncommitted[];
}
