/**
 * The API process follows the space `trading` and answers over HTTP from its own memory. It answers whether
 * Redis is up or down, and each answer says how fresh it is.
 *
 * stderr: one JSON line per event.
 */
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { connect } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { charts } from './charts.ts';
import { DEFAULT_PORT, readOptions, readPort } from './arguments.ts';
import { DIRECT_HELP, readDirect } from './direct.ts';
import { giveUp, onEnd } from './lifecycle.ts';
import { log, logEvent } from './log.ts';
import type { ApiReport, Entered, LatencySample, Sighting } from './messages.ts';
import { Kept, monotonicUs, Reporter } from './messages.ts';
import { portTaken } from './port.ts';
import { systemStatus } from './status.ts';
import { answerRest, systemRouter } from './system-router.ts';
import { startTelemetry } from './telemetry.ts';
import { trading } from './trading.ts';

const HELP = `node examples/trading-desk/api-process.ts

  PORT         ${DEFAULT_PORT} by default, on 127.0.0.1
  REDIS_URL    redis://127.0.0.1:6379 by default
  ${DIRECT_HELP}
  OTEL_EXPORTER_OTLP_ENDPOINT   where to send traces, metrics and logs, such as http://127.0.0.1:4318; none by default`;

type Measured = { readonly updateLatencyMs: number | undefined; readonly errorMs: number };

const HOST = '127.0.0.1';
const CLOSE_TIMEOUT_MS = 500;

readOptions([], HELP);
const { REDIS_URL: redis = 'redis://127.0.0.1:6379' } = process.env;
const port = readPort(process.env['PORT']);
const url = `http://${HOST}:${port}`;

const direct = readDirect();

const telemetry = await startTelemetry('api', 'api-1');
const tandem = connect({ redis, name: 'api-1', log });
const state = tandem.follow(trading, { direct });

const entered = new Kept<Entered>();
const seen = new Kept<Sighting>();
const latencies = new Kept<LatencySample>();
const reporter = new Reporter((): ApiReport => ({
  from: 'api',
  url,
  status: systemStatus(state),
  entered: entered.take(),
  seen: seen.take(),
  latencies: latencies.take(),
}));

state.on('mode', ({ mode, reason }) => {
  entered.add({ mode, reason });
  reporter.report();
});
/** As the live page and the metric count it. */
function measured({ updateLatencyMs: ms, errorMs }: Measured): void {
  if (ms !== undefined) latencies.add({ atUs: monotonicUs(), ms: Math.max(0, ms), errorMs });
}
tandem.observe({ applied: measured, synced: measured });
// The watch callback for the first key of a frame runs once the whole frame is applied.
state.watch('market/last_bar', () => seen.add([state.head, monotonicUs()]));

const app = new Koa();
app.on('error', (error: Error) => logEvent('error', { message: error.message }, 'error'));
app.use(systemRouter(state).routes());
const status = statusRouter(tandem, { charts });
app.use(status.routes());
app.use(answerRest);

const server = app.listen(port, HOST, () => {
  logEvent('start', { pid: process.pid, port: (server.address() as AddressInfo).port });
  reporter.start();
  reporter.report();
});
server.on('error', (error: NodeJS.ErrnoException) => {
  giveUp(error.code === 'EADDRINUSE' ? portTaken(port) : `cannot listen on port ${port}: ${error.message}`);
});

onEnd(async () => {
  // First, load balancers stop sending clients here. Then the open streams end, and then everything else.
  await status.drain();
  const closed = new Promise((resolve) => server.close(resolve));
  await tandem.stop({ timeoutMs: 2_000 });
  const bound = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(bound);
  await telemetry.stop();
  await reporter.end();
});
