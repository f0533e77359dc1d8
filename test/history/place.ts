/**
 * The checkers' own parser of positions, so that an error in the library's parser cannot hide another error.
 */
export interface Place {
  readonly epoch: number;
  readonly revision: number;
}

export function placeOf(printed: string): Place {
  const [epoch, revision] = printed.split('-');
  return { epoch: Number(epoch), revision: Number(revision) };
}

export function comparePlaces(a: string, b: string): number {
  const { epoch, revision } = placeOf(a);
  const other = placeOf(b);
  return epoch - other.epoch || revision - other.revision;
}
