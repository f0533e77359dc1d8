/** Numbers and states as words, for every output of the demo. */
import type { Figure, Latency } from './latency.ts';
import type { SystemStatus } from './status.ts';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const gain = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0, signDisplay: 'exceptZero' });

export function count(value: number): string {
  return whole.format(value);
}

export function money(value: number): string {
  return gain.format(value);
}

export function percent(share: number): string {
  return `${whole.format(share * 100)} %`;
}

/** With as many digits as matter: 0.31 ms, 12 ms, 1.4 s. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A latency that is below the error of its measurement is no figure: all that is known is what it is below. */
export function figure({ ms, errorMs }: Figure): string {
  return ms <= errorMs ? `under ${duration(ms + errorMs)}` : duration(ms);
}

export function latency({ p50, p99 }: Latency): string {
  return `p50 ${figure(p50)}  p99 ${figure(p99)}`;
}

export function regime(name: string | null, confidence: number | null): string {
  if (name === null) return '–';
  return name === 'warming-up' ? name : `${name} ${percent(confidence ?? 0)}`;
}

export function freshness({ freshness, staleMs }: SystemStatus): string {
  if (staleMs === null) return 'no data yet';
  return staleMs < 1_000 ? `${freshness}, ${staleMs} ms` : `${freshness}, ${(staleMs / 1_000).toFixed(1)} s`;
}
