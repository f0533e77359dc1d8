/** What a Redis says of itself, and what it did between two questions. */
import type { Redis } from 'ioredis';

export interface Usage {
  /** Of its one main thread, ms. */
  readonly cpuMs: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Commands that clients sent; those inside of scripts are not counted. */
  readonly commands: number;
  /** In scripts, µs. */
  readonly scriptUs: number;
}

export async function usage(redis: Redis): Promise<Usage> {
  const text = await redis.info('everything');
  const number = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);
  const script = /^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(text)?.[1];
  return {
    cpuMs: (number('used_cpu_user_main_thread') + number('used_cpu_sys_main_thread')) * 1_000,
    bytesOut: number('total_net_output_bytes'),
    bytesIn: number('total_net_input_bytes'),
    commands: number('total_commands_processed'),
    scriptUs: Number(script ?? 0),
  };
}

export function between(before: Usage, after: Usage): Usage {
  return {
    cpuMs: after.cpuMs - before.cpuMs,
    bytesOut: after.bytesOut - before.bytesOut,
    bytesIn: after.bytesIn - before.bytesIn,
    commands: after.commands - before.commands,
    scriptUs: after.scriptUs - before.scriptUs,
  };
}
