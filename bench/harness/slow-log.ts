/**
 * How long the scripts and commands of a Redis took in a phase, by its SLOWLOG. That is by the clock on the wall: a
 * wait for a processor is in it.
 */
import type { Redis } from 'ioredis';

/** Shorter ones are not logged, µs. */
const THRESHOLD_US = 100;

/** ms; 0.1 where each took less. */
export interface Taken {
  readonly longestMs: number;
  /** What 99 of 100 took at most, of those that took 0.1 ms or more. */
  readonly nearlyAllMs: number;
}

export class SlowLog {
  readonly #redis: Redis;

  private constructor(redis: Redis) {
    this.#redis = redis;
  }

  static async of(redis: Redis): Promise<SlowLog> {
    await redis.config('SET', 'slowlog-log-slower-than', String(THRESHOLD_US));
    await redis.config('SET', 'slowlog-max-len', '100000');
    return new SlowLog(redis);
  }

  /** Of those since the last call. */
  async take(): Promise<Taken> {
    const entries = (await this.#redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
    await this.#redis.call('SLOWLOG', 'RESET');
    const ours = entries.filter(([, , , [name]]) => !/^(slowlog|config|info|flushall)$/i.test(name ?? ''));
    const sorted = ours.map(([, , us]) => us / 1_000).sort((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.ceil(sorted.length * share) - 1] ?? THRESHOLD_US / 1_000;
    return { longestMs: at(1), nearlyAllMs: at(0.99) };
  }
}
