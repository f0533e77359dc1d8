/** Lengths of time in words as short as a column. Pure. */

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `12 ms`, `1.4 s`, `3 min 5 s`, `2 d 4 h`; a dash for what is not known. */
export function inWords(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '-';
  if (ms === Infinity) return 'no end';
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const at = UNITS.findIndex(([unit]) => ms >= unit);
  const [unit, name] = UNITS[at]!;
  const [lesser, lesserName] = UNITS[at + 1] ?? [0, ''];
  const rest = lesser === 0 ? 0 : Math.floor((ms % unit) / lesser);
  return `${Math.floor(ms / unit)} ${name}${rest > 0 ? ` ${rest} ${lesserName}` : ''}`;
}
