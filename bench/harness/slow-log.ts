/** The longest command, or script, of a Redis in a phase, by its SLOWLOG. */
import type { Redis } from 'ioredis';

/** Shorter ones are not logged, µs. */
const THRESHOLD_US = 100;

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

  /** The longest since the last call, ms; 0.1 where each took less. */
  async take(): Promise<number> {
    const entries = (await this.#redis.call('SLOWLOG', 'GET', '-1')) as [number, number, number, string[]][];
    await this.#redis.call('SLOWLOG', 'RESET');
    const ours = entries.filter(([, , , [name]]) => !/^(slowlog|config|info|flushall)$/i.test(name ?? ''));
    return Math.max(THRESHOLD_US, ...ours.map(([, , us]) => us)) / 1_000;
  }
}
