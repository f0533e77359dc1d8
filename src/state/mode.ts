/**
 * The names of the modes. The machines in `machines/` hold the modes; readings, metrics and routes show them.
 */

/** A participant's connection to its space in Redis: the outer states of `machines/connection.ts`. */
export type Mode = 'recovering' | 'connected' | 'degraded' | 'stopped';

/** An owner's right to its space: the states of `machines/ownership.ts`. */
export type Ownership = 'standby' | 'claiming' | 'leading' | 'fenced' | 'released';
