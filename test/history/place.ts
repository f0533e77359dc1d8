/** Positions as the checkers read them: by themselves, so that no error of the library's own hides another. */
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
