/** A moment, as an option says it: a date, a number of ms since 1970, or how long ago. Pure. */
import { parseIsoTime } from '../base/time.ts';
import { UsageError } from './console.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * @param now ms since 1970
 * @throws UsageError
 */
export function momentOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|min|h|d)$/.exec(text) ?? [];
  if (count !== undefined) return Math.max(0, Math.floor(now - Number(count) * UNITS[unit]!));
  const ms = /^\d{10,15}$/.test(text) ? Number(text) : parseIsoTime(text);
  if (ms >= 0) return ms;
  throw new UsageError(
    `${option}: expected a date such as 2026-01-31T09:30Z, ms since 1970, or how long ago (15min)`,
  );
}
