/** A moment, as an option says it: a date, a number of ms since 1970, or how long ago. Pure. */
import { isoTime, parseIsoTime } from '../base/time.ts';
import { UsageError } from './console.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** What `--from` and `--to` take, for the usage of a command. */
export const MOMENT_USAGE = `an ISO 8601 date, ms since 1970, how long
                          ago (90s, 15min, 2h, 3d), or a time of day in UTC (14:05 or 14:05:30)`;

/** The moments between which something is wanted, ms since 1970; `undefined` where there is no bound. */
export interface Span {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/**
 * The options `--from` and `--to`.
 * @param now ms since 1970
 * @throws UsageError
 */
export function spanOf(
  options: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: number,
): Span {
  const [from, to] = [momentOf('--from', options.from, now), momentOf('--to', options.to, now)];
  if (from !== undefined && to !== undefined && from > to) throw new UsageError('--from is after --to');
  return { from, to };
}

/**
 * @param now ms since 1970
 * @throws UsageError
 */
function momentOf(option: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|min|h|d)$/.exec(text) ?? [];
  if (count !== undefined) return Math.max(0, Math.floor(now - Number(count) * UNITS[unit]!));
  const ms = /^\d{10,15}$/.test(text) ? Number(text) : (lastAt(text, now) ?? parseIsoTime(text));
  if (ms >= 0) return ms;
  throw new UsageError(
    `${option}: expected a date such as 2026-01-31T09:30Z, ms since 1970, how long ago (15min), or a time of day in UTC (14:05)`,
  );
}

/** The last time at which the clock showed this time of day; `undefined` for another text. */
function lastAt(text: string, now: number): number | undefined {
  if (!/^\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z?$/.test(text)) return undefined;
  const date = isoTime(now).slice(0, 'YYYY-MM-DD'.length);
  const today = parseIsoTime(`${date}T${text.replace('Z', '')}Z`);
  return today > now ? today - UNITS.d! : today;
}
