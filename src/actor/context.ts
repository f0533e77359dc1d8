/** The context: what the parts of one participant share. */
import type { Waiters } from '../base/waiters.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { ConnectionDriver } from './connection-driver.ts';
import type { HeadWatchers } from './head-watchers.ts';
import type { ProofWatch } from './proof-watch.ts';
import type { Reporter } from './reporter.ts';
import type { WrongTypes } from './wrong-types.ts';

/** The objects that all parts of one participant share. */
export interface Context {
  readonly space: string;
  readonly runtime: Runtime;
  readonly reporter: Reporter;
  readonly connection: ConnectionDriver;
  readonly waiters: Waiters;
  readonly heads: HeadWatchers;
  readonly wrongTypes: WrongTypes;
  readonly proofWatch: ProofWatch;
  /** Aborted once the participant has ended, with the error of whatever is called then. */
  readonly ended: AbortController;
}
