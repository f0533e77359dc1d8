/**
 * The trading process owns the space `trading`. It plays 20 years of daily bars through the regime detector
 * and the strategies. After each bar it sets the results, in whatever state Redis is.
 *
 * stdout: one JSON line per regime change. stderr: one JSON line per event of any other kind.
 */
import { connect } from '../../src/index.ts';
import { DEFAULT_SPEED, readOptions, readSpeed } from './arguments.ts';
import type { Bar } from './bars.ts';
import { readBars } from './bars.ts';
import { DIRECT_HELP, readDirect, serveDirect } from './direct.ts';
import { giveUp, onEnd } from './lifecycle.ts';
import { log, logEvent } from './log.ts';
import type { Entered, Sighting, TradingReport } from './messages.ts';
import { Kept, monotonicUs, Reporter } from './messages.ts';
import { RegimeDetector } from './regime.ts';
import { RegimeLog } from './regime-log.ts';
import { Replay } from './replay.ts';
import { createStrategies } from './strategies.ts';
import { startTelemetry } from './telemetry.ts';
import type { MarketRegime, StrategyStatus } from './schemas.ts';
import { trading } from './trading.ts';

const HELP = `node examples/trading-desk/trading-process.ts [--speed N]

  --speed N    bars per second, ${DEFAULT_SPEED} by default
  REDIS_URL    redis://127.0.0.1:6379 by default
  ${DIRECT_HELP}
  OTEL_EXPORTER_OTLP_ENDPOINT   where to send traces, metrics and logs, such as http://127.0.0.1:4318; none by default`;

const { REDIS_URL: redis = 'redis://127.0.0.1:6379' } = process.env;
const barsPerSecond = readSpeed(readOptions(['speed'], HELP).speed);

const direct = readDirect();

const telemetry = await startTelemetry('trading', 'trading-1');
const tandem = connect({ redis, name: 'trading-1', log });
// Half an hour at the usual speed: enough to ask, after an outage, what changed meanwhile.
const state = tandem.own(trading, { history: { maxChanges: 300_000, maxAgeMs: 30 * 60_000 } });

const server = direct && serveDirect(tandem, direct);

const bars = readBars();
const regimeLog = new RegimeLog(state, telemetry.traceId);
let detector = new RegimeDetector();
let strategies = createStrategies();

const replay = new Replay({ bars, barsPerSecond, play, startOver });
const entered = new Kept<Entered>();
const sets = new Kept<Sighting>();
const reporter = new Reporter(report);

function play(bar: Bar): void {
  const market = detector.next(bar);
  const statuses = strategies.map((strategy) => strategy.next(bar));
  // Only regime changes are traced: of several spans in one frame, only the first becomes the parent of the
  // commit.
  if (regimeLog.isChange(market)) telemetry.span('regime change', () => publish(bar, market, statuses));
  else publish(bar, market, statuses);
}

function publish(bar: Bar, market: MarketRegime, statuses: readonly StrategyStatus[]): void {
  const atUs = monotonicUs();
  state.batch(() => {
    state.set('market/last_bar', bar);
    state.set('market_regime', market);
    for (const status of statuses) state.set(`strategy/${status.name}`, status);
  });
  sets.add([state.head, atUs]);
  regimeLog.note(market);
}

function startOver(): void {
  logEvent('wrap', { message: 'history has ended and starts again with its first bar', bars: replay.played });
  detector = new RegimeDetector();
  strategies = createStrategies();
}

function report(): TradingReport {
  const market = state.get('market_regime').value;
  return {
    from: 'trading',
    mode: state.mode,
    head: state.head,
    bars: replay.played,
    bar: replay.played === 0 ? 0 : ((replay.played - 1) % bars.length) + 1,
    barCount: bars.length,
    barDate: state.get('market/last_bar').value?.date ?? null,
    regime: market?.regime ?? null,
    confidence: market?.confidence ?? null,
    entered: entered.take(),
    sets: sets.take(),
  };
}

state.on('mode', ({ mode, reason }) => {
  entered.add({ mode, reason });
  reporter.report();
});
state.on('fenced', ({ error }) => {
  replay.stop();
  giveUp(`${error.message}. Stop that process, or give this one a Redis of its own: REDIS_URL=redis://…`);
});

onEnd(async () => {
  replay.stop();
  await regimeLog.end();
  server?.close();
  const { uncommitted } = await tandem.stop({ timeoutMs: 2_000 });
  server?.closeAllConnections();
  await telemetry.stop();
  await reporter.end();
  if (uncommitted.length === 0) return;
  const keys = uncommitted
    .slice(0, 5)
    .map(({ key }) => key)
    .join(', ');
  giveUp(`Redis never confirmed ${uncommitted.length} changes; they are lost: ${keys}`);
});

logEvent('start', { pid: process.pid, bars: bars.length, barsPerSecond });
reporter.start();
replay.start();
