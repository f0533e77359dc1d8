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
  const number = (name: string): number => numberOf(text, name);
  const script = /^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(text)?.[1];
  return {
    cpuMs: cpuMsOf(text),
    bytesOut: number('total_net_output_bytes'),
    bytesIn: number('total_net_input_bytes'),
    commands: number('total_commands_processed'),
    scriptUs: Number(script ?? 0),
  };
}

/** CPU time of its main thread so far, ms. Cheaper to ask for than all of its usage. */
export async function cpuMs(redis: Redis): Promise<number> {
  return cpuMsOf(await redis.info('cpu'));
}

function cpuMsOf(text: string): number {
  const seconds = numberOf(text, 'used_cpu_user_main_thread') + numberOf(text, 'used_cpu_sys_main_thread');
  return seconds * 1_000;
}

function numberOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1] ?? 0);
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
