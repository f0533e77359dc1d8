/**
 * An open loop: each update is due at its own time, whatever became of those before it. What is late goes out
 * at once, and its lateness counts.
 *
 * It waits by `turns` of the event loop, as a busy trading loop does: a timer of 1 ms would add more than
 * what is measured. Where the processor is needed by others, it waits by `timer`, and what a timer is late
 * counts for all.
 */
import { monotonicMs } from './clock.ts';

export interface Load {
  readonly rate: number;
  readonly seconds: number;
  readonly wait?: 'turns' | 'timer';
}

/** Calls `send` with the number of each update and the time it was due, monotonic ms. */
export function pace(
  { rate, seconds, wait = 'turns' }: Load,
  send: (n: number, due: number) => void,
): Promise<void> {
  const count = rate * seconds;
  const start = monotonicMs() + 5;
  let n = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const now = monotonicMs();
      for (let due = start + (n * 1_000) / rate; n < count && due <= now; due = start + (n * 1_000) / rate) {
        send(n, due);
        n += 1;
      }
      if (n >= count) resolve();
      else if (wait === 'turns') setImmediate(turn);
      else setTimeout(turn, 1);
    };
    turn();
  });
}
