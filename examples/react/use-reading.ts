/** One reading of a space, as a component shows it. */
import { useRef, useSyncExternalStore } from 'react';
import type { Client, Definition, KeyOf, ReadingOf } from 'tandem-sync/client';

/** The fields that a component is rendered for. `staleMs` is not among them: it is different at each look. */
const FIELDS = ['key', 'value', 'position', 'freshness', 'owner'] as const;

/** The same object until one of its fields has changed. */
export type Shown<R> = Pick<R, (typeof FIELDS)[number] & keyof R>;

/**
 * The reading of a key. The component is rendered again when its value, its freshness or its owner has changed.
 * Make the client outside of components, once for a space, and share it.
 */
export function useReading<D extends Definition, K extends KeyOf<D>>(
  state: Client<D>,
  key: K,
): Shown<ReadingOf<D, K>> {
  type Reading = Shown<ReadingOf<D, K>>;
  const last = useRef<Reading | undefined>(undefined);
  const snapshot = (): Reading => {
    const reading = state.get(key);
    const shown = last.current;
    if (shown !== undefined && FIELDS.every((field) => shown[field] === reading[field])) return shown;
    return (last.current = { ...reading });
  };
  return useSyncExternalStore(state.subscribe, snapshot, snapshot);
}
