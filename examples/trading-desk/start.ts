/**
 * `npm start`: starts Redis, the trading process and the API process, and shows what happens. It starts and
 * ends them in order, and leaves nothing behind.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  DEFAULT_HOLD,
  DEFAULT_PORT,
  DEFAULT_SPEED,
  readHold,
  readOptions,
  readPort,
  readSeconds,
  readSpeed,
} from './arguments.ts';
import type { ChildOptions } from './child.ts';
import { Child } from './child.ts';
import { directEnv, newDirect } from './direct.ts';
import { Drill } from './drill.ts';
import { Lasting } from './lasting.ts';
import { giveUp } from './lifecycle.ts';
import { Lines } from './lines.ts';
import type { ApiReport, TradingReport } from './messages.ts';
import { OwnRedis } from './own-redis.ts';
import { Panel } from './panel.ts';
import { findFree, requireFree } from './port.ts';
import type { Redis } from './redis.ts';
import { findProgram, reachRedis } from './redis.ts';
import type { Show } from './stage.ts';
import { Stage } from './stage.ts';
import { summary } from './summary.ts';

const HELP = `npm start -- [--seconds N] [--speed N] [--direct] [--drill [--hold N]]

Two processes share state through Redis. One replays 20 years of the S&P 500 and owns the state of a trading
desk. The other follows that state and serves it over HTTP.

  --seconds N   end after N seconds; without it, Ctrl-C ends the demo
  --speed N     trading days per second, ${DEFAULT_SPEED} by default
  --direct      while Redis is out, the API process reads directly from the trading process and stays live

  --drill       break the demo in six ways, one after the other, say what to look at, and end
  --hold N      seconds for which each of them lasts, ${DEFAULT_HOLD} by default

  PORT          the port of the HTTP API on 127.0.0.1, ${DEFAULT_PORT} by default
  REDIS_URL     the Redis to use, such as redis://127.0.0.1:6379; without it, redis-server or valkey-server from
                the PATH is started on a free port, or else the embedded js-redis-server
  OTEL_EXPORTER_OTLP_ENDPOINT   where to send traces, metrics and logs, such as http://127.0.0.1:4318; without it
                no telemetry is sent`;

const KILL_AFTER_MS = 3_000;
const LAST_UPDATES_MS = 1_000;
const SAME_REQUEST_MS = 300;
const REDIS_AGAIN_MS = 2_000;
/** Longer than a lease, so that the page says that the owner is gone. */
const PROCESS_AGAIN_MS = 5_000;

const options = readOptions(['seconds', 'speed', 'hold'], HELP, ['direct', 'drill']);
const seconds = readSeconds(options.seconds);
const barsPerSecond = readSpeed(options.speed);
const holdMs = readHold(options.hold) * 1_000;
const isDrill = options.drill === true;
const port = readPort(process.env['PORT']);
if (isDrill && process.env['REDIS_URL'])
  giveUp('--drill breaks Redis, so it needs one of its own: unset REDIS_URL', 2);

const isTerminal = !isDrill && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
const show: Show = isTerminal ? new Panel(process.stdout) : new Lines(!isDrill);
/** In the order in which they end. */
const running: { end(killAfterMs: number): Promise<void>; kill(): void }[] = [];
let stage: Stage | undefined;
let drill: Drill | undefined;
let isEnding = false;

const asked = new Promise<void>((resolve) => {
  let firstAt: number | undefined;
  const ask = (): void => {
    firstAt ??= performance.now();
    resolve();
    // One Ctrl-C may arrive twice, from the terminal and from npm.
    if (performance.now() - firstAt < SAME_REQUEST_MS) return;
    // A second Ctrl-C ends everything at once.
    for (const one of running) one.kill();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, ask);
  process.stdout.on('error', () => resolve());
});

async function run(): Promise<void> {
  await requireFree(port);
  const redis = await openRedis();
  if (isEnding) return;
  stage = new Stage(redis, `http://127.0.0.1:${port}`, barsPerSecond, show);
  const direct = options.direct ? await newDirect() : undefined;
  if (isEnding) return;
  const { trading, api } = startProcesses(stage, directEnv(direct));
  show.start(stage);
  const failed = Promise.race([trading.failed, api.failed]);
  if (!isDrill) return Promise.race([failed, seconds === undefined ? asked : delay(seconds * 1_000)]);
  if (!(redis instanceof OwnRedis)) return;
  drill = new Drill({ scene: { redis, trading, api }, url: stage.url, holdMs, say: console.log });
  await Promise.race([failed, drill.run()]);
  if (!process.stdout.isTTY) return;
  console.log(
    `${stage.url}/ still has all of it: the last 24 hours, the events, a link for each moment. Ctrl-C ends.`,
  );
  await Promise.race([failed, asked]);
}

async function openRedis(): Promise<Redis> {
  const { REDIS_URL } = process.env;
  if (REDIS_URL) return announced(await reachRedis(REDIS_URL));
  const again = isDrill ? undefined : REDIS_AGAIN_MS;
  const redis = new OwnRedis(findProgram(), await findFree(), tell, again);
  running.push(redis);
  await redis.start();
  return announced(redis);
}

function announced(redis: Redis): Redis {
  const where = redis.pid === undefined ? '' : `, pid ${redis.pid}, ${redis.url}`;
  console.log(`redis      ${redis.label}${where}`);
  return redis;
}

/** What the demo itself has to say. */
function tell(what: string): void {
  stage?.tell(what);
  drill?.hear(undefined, what);
}

function startProcesses(stage: Stage, direct: Record<string, string>): { trading: Lasting; api: Lasting } {
  const env = { REDIS_URL: stage.redis.url, PORT: String(port), ...direct };
  const trading = lasting('trading-1', {
    script: 'trading-process.ts',
    args: ['--speed', String(barsPerSecond)],
    env,
    line: (line) => stage.logged(line),
    message: (message) => stage.tradingReported(message as TradingReport),
  });
  const api = lasting('api-1', {
    script: 'api-process.ts',
    env,
    message: (message) => stage.apiReported(message as ApiReport),
  });
  console.log(`trading-1  pid ${trading.pid}\napi-1      pid ${api.pid}, ${stage.url}`);
  running.unshift(trading, { end: () => lastUpdatesSeen(stage), kill: () => {} }, api);
  return { trading, api };
}

function lasting(name: 'trading-1' | 'api-1', options: Omit<ChildOptions, 'name' | 'log'>): Lasting {
  const log = (line: string): void => drill?.hear(name, line);
  return new Lasting({
    start: () => new Child({ ...options, name, log }),
    restartAfterMs: isDrill ? undefined : PROCESS_AGAIN_MS,
    tell,
    gone: () => stage?.gone(name),
  });
}

/** The last updates may be on their way. The follower ends once it has them. */
async function lastUpdatesSeen({ latency }: Stage): Promise<void> {
  const deadline = performance.now() + LAST_UPDATES_MS;
  while (latency.waiting > 0 && performance.now() < deadline) await delay(20);
}

async function endAll(): Promise<void> {
  isEnding = true;
  show.end();
  for (const one of running) await one.end(KILL_AFTER_MS);
}

let failure: unknown;
try {
  await Promise.race([run(), asked]);
} catch (error) {
  failure = error;
}
await endAll();
if (failure !== undefined) console.error(failure instanceof Error ? failure.message : failure);
else if (stage) console.log(summary(stage));
process.exit(failure === undefined ? 0 : 1);
