/** Changes whose values were read through their schemas, or could not be. */

/** A change whose value was read through its schema. */
export interface ReadChange {
  readonly key: string;
  readonly revision: number;
  /** `undefined` is a delete. */
  readonly value: unknown;
  /** The key's part in the digest. */
  readonly hash: number;
}

/** A change whose value could not be read: the key keeps its last value. */
export type UnreadChange = Omit<ReadChange, 'value'>;
