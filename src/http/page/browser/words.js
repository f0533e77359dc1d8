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

const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
const minute = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });

/** A time to the second, with its day where that is not today; `isFull`: with year and tenths. */
export function clockTime(wallMs, nowMs, isFull = false) {
  const at = new Date(wallMs);
  if (isFull) return `${isoDay(at)} ${fineClock.format(at)}`;
  return `${dayBefore(at, nowMs)}${clock.format(at)}`;
}

/** The same to the minute. */
export function dayTime(wallMs, nowMs) {
  const at = new Date(wallMs);
  return `${dayBefore(at, nowMs)}${minute.format(at)}`;
}

function dayBefore(at, nowMs) {
  return at.toDateString() === new Date(nowMs).toDateString() ? '' : `${day.format(at)}, `;
}

function isoDay(at) {
  const two = (number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The zone of all times on this page, such as `Europe/Berlin, UTC+1`. */
export function zoneName() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const minutes = -new Date().getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const rest = Math.abs(minutes) % 60;
  const hours = Math.trunc(Math.abs(minutes) / 60);
  return `${timeZone}, UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

/** The name of a headline as words: `redis-out` becomes `Redis out`. */
export function headlineName(headline) {
  return headline.replaceAll('-', ' ').replace('redis', 'Redis');
}

export function timeOfDay(wallMs) {
  return clock.format(new Date(wallMs));
}

/** A time with tenths of a second, for events that come several times a second; with its day where that is not today. */
export function fineTime(wallMs, nowMs = Date.now()) {
  const at = new Date(wallMs);
  return `${dayBefore(at, nowMs)}${fineClock.format(at)}`;
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
