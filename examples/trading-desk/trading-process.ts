/**
 * The trading process: owns the space `trading`. It plays 20 years of daily bars through the regime detector
 * and the strategies, and sets what they say after each bar, whatever Redis does.
 *
 * stdout: one JSON line per regime change. stderr: one JSON line per event of any other kind.
 */
import { connect } from '../../src/index.ts';
import { DEFAULT_SPEED, readOptions, readSpeed } from './arguments.ts';
import type { Bar } from './bars.ts';
import { readBars } from './bars.ts';
import { giveUp, onEnd } from './lifecycle.ts';
import { ErrorLog, logEvent } from './log.ts';
import type { Entered, Sighting, TradingReport } from './messages.ts';
import { Kept, monotonicUs, Reporter } from './messages.ts';
import { RegimeDetector } from './regime.ts';
import { RegimeLog } from './regime-log.ts';
import { Replay } from './replay.ts';
import { createStrategies } from './strategies.ts';
import { trading } from './trading.ts';

const HELP = `node examples/trading-desk/trading-process.ts [--speed N]

  --speed N    bars per second, ${DEFAULT_SPEED} by default
  REDIS_URL    redis://127.0.0.1:6379 by default`;

const { REDIS_URL: redis = 'redis://127.0.0.1:6379' } = process.env;
const barsPerSecond = readSpeed(readOptions(['speed'], HELP).speed);

const tandem = connect({ redis, name: 'trading-1' });
const desk = tandem.own(trading);

const bars = readBars();
const regimeLog = new RegimeLog(desk);
let detector = new RegimeDetector();
let strategies = createStrategies();

const replay = new Replay({ bars, barsPerSecond, play, startOver });
const errors = new ErrorLog();
const entered = new Kept<Entered>();
const sets = new Kept<Sighting>();
const reporter = new Reporter(report);

function play(bar: Bar): void {
  const market = detector.next(bar);
  const statuses = strategies.map((strategy) => strategy.next(bar));
  const atUs = monotonicUs();
  desk.batch(() => {
    desk.set('market/last_bar', bar);
    desk.set('market_regime', market);
    for (const status of statuses) desk.set(`strategy/${status.name}`, status);
  });
  sets.add([desk.head, atUs]);
  regimeLog.note(market);
}

function startOver(): void {
  logEvent('wrap', { message: 'history is over; starting again with its first bar', bars: replay.played });
  detector = new RegimeDetector();
  strategies = createStrategies();
}

function report(): TradingReport {
  const market = desk.get('market_regime').value;
  return {
    from: 'trading',
    mode: desk.mode,
    head: desk.head,
    bars: replay.played,
    bar: replay.played === 0 ? 0 : ((replay.played - 1) % bars.length) + 1,
    barCount: bars.length,
    barDate: desk.get('market/last_bar').value?.date ?? null,
    regime: market?.regime ?? null,
    confidence: market?.confidence ?? null,
    entered: entered.take(),
    sets: sets.take(),
  };
}

desk.on('mode', ({ mode, from, reason }) => {
  logEvent('mode', { mode, from, reason });
  entered.add({ mode, reason });
  reporter.report();
});
desk.on('error', ({ error }) => errors.note(error));
desk.on('fenced', ({ uncommitted, error }) => {
  replay.stop();
  logEvent('fenced', { code: error.code, uncommitted: uncommitted.length });
  giveUp(`${error.message}. Stop that process, or give this one a Redis of its own: REDIS_URL=redis://…`);
});

onEnd(async () => {
  replay.stop();
  await regimeLog.end();
  await tandem.stop({ timeoutMs: 2_000 });
  await reporter.end();
});

logEvent('start', { pid: process.pid, bars: bars.length, barsPerSecond });
reporter.start();
replay.start();
