/** The modes, as words: the machines in `machines/` hold them, and readings, metrics and routes name them. */

/** How a participant stands with its space in Redis: the states of `machines/connection.ts`. */
export type Mode = 'recovering' | 'connected' | 'degraded' | 'stopped';

/** What an owner may do with its space: the states of `machines/ownership.ts`. */
export type Ownership = 'standby' | 'claiming' | 'leading' | 'fenced' | 'released';
