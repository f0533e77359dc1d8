/** What is sent: a value of 150 bytes as JSON, as a feed of quotes would have it. */

export interface Tick {
  readonly n: number;
  /** When it was due, monotonic ms. */
  readonly due: number;
  readonly symbol: string;
  readonly bid: number;
  readonly ask: number;
  readonly bidSize: number;
  readonly askSize: number;
  readonly venue: string;
  readonly status: string;
}

/** Numbers of the same length each time, so that every value has the same size. */
const FIRST = 1_000_000;

export function tick(n: number, due: number): Tick {
  return {
    n: FIRST + n,
    due: Math.round(due * 1_000) / 1_000,
    symbol: 'ESZ6.CME',
    bid: 4512.25 + (n % 64) / 4,
    ask: 4512.5 + (n % 64) / 4,
    bidSize: 120 + (n % 800),
    askSize: 118 + (n % 800),
    venue: 'XCME-GLBX',
    status: 'open, firm',
  };
}

export function numberOf({ n }: Tick): number {
  return n - FIRST;
}

/** Updates go round so many keys, unless a benchmark says otherwise. */
export const KEYS = 1_000;
export const keyOf = (n: number, keys = KEYS): string => `quote/${n % keys}`;
