/** Texts for numbers, times and states. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const FORMATS = {
  number: new Intl.NumberFormat('en', { maximumSignificantDigits: 6 }),
  percent: new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 }),
  signed: new Intl.NumberFormat('en', { maximumFractionDigits: 0, signDisplay: 'exceptZero' }),
};
const TIME = { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false };
const clock = new Intl.DateTimeFormat('en', TIME);
const fineClock = new Intl.DateTimeFormat('en', { ...TIME, fractionalSecondDigits: 1 });

export function count(value) {
  return whole.format(value);
}

export function number(value, format = 'number') {
  return (FORMATS[format] ?? FORMATS.number).format(value);
}

/** A size with two or three digits: 312 B, 4.1 kB, 25 MB. */
export function bytes(size) {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  for (; size >= 1_000 && unit < units.length - 1; unit += 1) size /= 1_000;
  return `${unit === 0 || size >= 10 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`;
}

/** A duration with two or three digits: 0.31 ms, 12 ms, 1.4 s, 3 min 5 s. */
export function duration(ms) {
  if (ms === null || !Number.isFinite(ms)) return '–';
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${ms.toFixed(0)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return seconds(ms);
}

/** A duration that counts up on the page: whole seconds, minutes, hours, days. */
export function seconds(ms) {
  const s = Math.floor(ms / 1_000);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 172_800) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} days`;
}

export function timeOfDay(wallMs) {
  return clock.format(new Date(wallMs));
}

/** A time of day with tenths of a second, for events that come several times a second. */
export function fineTime(wallMs) {
  return fineClock.format(new Date(wallMs));
}

/** The name of a state: `degraded.direct` becomes `degraded · direct`. */
export function stateName(path) {
  return path.replace('.', ' · ');
}

const MODE_TONES = { connected: 'good', recovering: 'warn', degraded: 'bad', stopped: 'bad' };

export function modeTone(state) {
  if (state === 'degraded.direct') return 'warn';
  return MODE_TONES[state.split('.')[0]] ?? 'none';
}
