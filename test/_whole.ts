/** A whole state of given changes, as an owner hands it to a store. */
import type { Change } from '../src/state/change.ts';
import { WholeState } from '../src/state/whole-state.ts';

export function wholeOf(changes: readonly Change[]): WholeState {
  return new WholeState(
    changes.map(({ key, revision, json }) => ({ key, revision, value: json === '' ? undefined : { json } })),
  );
}
