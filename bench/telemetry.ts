/**
 * The cost of telemetry, by what the application has installed: of `set` alone, and of a frame all the way
 * (set, commit, apply; owner, follower and SDK in one process, on a real Redis). `node bench/telemetry.ts`
 *
 * Each figure is CPU time of the process, the least of many rounds: other work on the machine only adds to
 * it. Each case runs in processes of its own, and the cases take turns.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  InMemorySpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { connect, defineSpace, json } from '../src/index.ts';
import { RedisServer } from '../test/_redis-server.ts';

const CASES = {
  off: 'telemetry: false',
  api: 'the API, no SDK',
  idle: 'an SDK, no span active',
  unsampled: 'an SDK, in a span that is not sampled',
  sampled: 'an SDK, in a span that is sampled',
};
type Case = keyof typeof CASES;

const ROUNDS = 4;
/** In each process. */
const REPEATS = 8;
const SETS = 100_000;
const FRAMES = 400;
/** The number of sets in one span of the application. */
const SETS_PER_SPAN = 100;

interface Figures {
  readonly nsPerSet: number;
  readonly usPerFrame: number;
}

/** Drops every span, so that memory does not count. */
class Forgetful extends InMemorySpanExporter {
  override export(...given: Parameters<InMemorySpanExporter['export']>): void {
    super.export(...given);
    this.reset();
  }
}

const [asked] = process.argv.slice(2);
if (asked === undefined) compare();
else console.log(JSON.stringify(await measure(asked as Case)));

function compare(): void {
  const figures = new Map<Case, Figures[]>();
  const cases = Object.keys(CASES) as Case[];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of cases) {
      const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), one], { encoding: 'utf8' });
      figures.set(one, [...(figures.get(one) ?? []), JSON.parse(out) as Figures]);
    }
  }
  console.log('| | ns a set | µs of CPU a frame |\n| --- | --: | --: |');
  for (const [one, all] of figures) {
    const ns = Math.min(...all.map(({ nsPerSet }) => nsPerSet));
    const us = Math.min(...all.map(({ usPerFrame }) => usPerFrame));
    console.log(`| ${CASES[one]} | ${ns.toFixed(0)} | ${us.toFixed(0)} |`);
  }
}

async function measure(what: Case): Promise<Figures> {
  if (what !== 'off' && what !== 'api') startSdk(what === 'unsampled');
  const inSpan = (run: () => void): void => {
    if (what !== 'unsampled' && what !== 'sampled') return run();
    trace.getTracer('bench').startActiveSpan('work', (span) => {
      run();
      span.end();
    });
  };
  const nsPerSet = await measureSets(what, inSpan);
  return { nsPerSet, usPerFrame: await measureFrames(what, inSpan) };
}

/** There is no Redis, so nothing but `set` runs. */
async function measureSets(what: Case, inSpan: (run: () => void) => void): Promise<number> {
  const tandem = connect({ redis: 'redis://127.0.0.1:1', telemetry: what !== 'off' });
  const owner = tandem.own(defineSpace('bench', { 'key/*': json<number>() }));
  const play = (sets: number): void => {
    for (let n = 0; n < sets; n += SETS_PER_SPAN) {
      inSpan(() => {
        for (let i = n; i < n + SETS_PER_SPAN; i += 1) owner.set(`key/${i % 1_000}`, i);
      });
    }
  };
  const us = await least(async () => {
    play(SETS);
    // The next sets belong to another turn.
    await new Promise((resolve) => setImmediate(resolve));
  });
  await tandem.stop({ timeoutMs: 0 });
  return (us / SETS) * 1_000;
}

async function measureFrames(what: Case, inSpan: (run: () => void) => void): Promise<number> {
  const redis = await RedisServer.start();
  const tandem = connect({ redis: redis.url, telemetry: what !== 'off' });
  const space = defineSpace('bench', { 'key/*': json<number>() });
  const owner = tandem.own(space);
  const follower = tandem.follow(space);
  await Promise.all([owner.ready(), follower.ready()]);
  const play = async (frames: number): Promise<void> => {
    for (let n = 0; n < frames; n += 1) {
      inSpan(() => owner.set(`key/${n % 1_000}`, n));
      await owner.flush();
      await follower.waitFor(owner.head);
    }
  };
  const us = await least(() => play(FRAMES));
  await tandem.stop();
  await redis.stop();
  return us / FRAMES;
}

function startSdk(isOff: boolean): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const sampler = isOff ? new AlwaysOffSampler() : new AlwaysOnSampler();
  const exporter = new Forgetful();
  trace.setGlobalTracerProvider(
    new TracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor({ exporter })] }),
  );
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
}

/** The least CPU time of some runs, µs. The first runs warm up. */
async function least(run: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let n = 0; n < REPEATS; n += 1) {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}
