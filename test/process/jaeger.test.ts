/**
 * With a real collector that uses our otel-collector.yaml, and a real Jaeger 2: the trace id of a regime
 * change in the log leads to its trace in Jaeger. `npm run test:jaeger` runs this file, since both programs
 * have to be built first, which takes minutes.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Part } from '../_demo-part.ts';
import { buildPrograms } from '../_go-programs.ts';
import { freePort } from '../_free-port.ts';
import { noServer, RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const COLLECTOR_CONFIG = fileURLToPath(new URL('../../otel-collector.yaml', import.meta.url));
const JAEGER_CONFIG = fileURLToPath(new URL('../fixtures/jaeger.yaml', import.meta.url));
const TITLE = 'a regime change in the log is found in Jaeger, through the collector';

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly { readonly refType: string; readonly spanID: string }[];
}

interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

const why =
  noServer ??
  (process.env['TANDEM_JAEGER'] ? undefined : 'npm run test:jaeger builds the programs and runs it');
if (why === undefined) test(TITLE, run);
else test.skip(`${TITLE} (skipped: ${why})`, run);

async function run(t: ExecutionContext): Promise<void> {
  t.timeout(1_200_000);
  const programs = await buildPrograms();
  if (typeof programs === 'string') {
    t.log(`skipped: ${programs}`);
    t.pass();
    return;
  }
  const { collector, jaeger } = programs;
  t.is(
    spawnSync(collector, ['validate', '--config', COLLECTOR_CONFIG]).status,
    0,
    'otel-collector.yaml is valid',
  );

  const at = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
  const [query, toJaeger, otlp, prometheus] = await Promise.all([at(), at(), at(), at()]);
  start(t, jaeger, ['--config', JAEGER_CONFIG], {
    QUERY_HTTP_ENDPOINT: query,
    QUERY_GRPC_ENDPOINT: await at(),
    OTLP_GRPC_ENDPOINT: toJaeger,
  });
  start(t, collector, ['--config', COLLECTOR_CONFIG], {
    HEALTH_ENDPOINT: await at(),
    OTLP_GRPC_ENDPOINT: await at(),
    OTLP_HTTP_ENDPOINT: otlp,
    JAEGER_ENDPOINT: toJaeger,
    PROMETHEUS_ENDPOINT: prometheus,
  });
  await until(() => answers(`http://${query}/api/services`), 'Jaeger', 30_000);
  await until(() => answers(`http://${prometheus}/metrics`), 'the collector', 30_000);

  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const port = String(await freePort());
  const env = { REDIS_URL: redis.url, PORT: port, OTEL_EXPORTER_OTLP_ENDPOINT: `http://${otlp}` };
  const api = new Part(t, 'api-process.ts', [], env);
  await until(() => api.stderr.some((line) => line.includes('"mode":"connected"')), 'an API that follows');
  const trading = new Part(t, 'trading-process.ts', ['--speed', '500'], env);
  await until(() => trading.regimes.length > 4, 'regime changes', 30_000);
  await until(
    async () => (await metricsOf(prometheus)).includes('tandem_update_latency_seconds_bucket'),
    'metrics',
    20_000,
  );
  await until(
    async () => (await metricsOf(prometheus)).includes('traces_span_metrics_calls_total'),
    'spanmetrics',
    20_000,
  );
  t.is(await trading.end(), 0);
  t.is(await api.end(), 0);

  // A process sends its last counts when it exits.
  await until(
    async () => (await metricsOf(prometheus)).includes('tandem_commit_duration_seconds_bucket'),
    'the metrics of both processes',
    20_000,
  );

  const { traceId } = trading.regimes[2]!;
  let trace: JaegerTrace | undefined;
  await until(
    async () => (trace = await traceIn(query, traceId!))?.spans.length === 3,
    `trace ${traceId}`,
    20_000,
  );
  const { spans, processes } = trace!;
  const chain = ['regime change', 'commit trading', 'apply trading'].map((name) =>
    spans.find(({ operationName }) => operationName === name)!,
  );
  t.deepEqual(
    chain.map(({ processID }) => processes[processID]!.serviceName),
    ['trading', 'trading', 'api'],
  );
  t.deepEqual(
    chain.slice(1).map(({ references }) => references.find(({ refType }) => refType === 'CHILD_OF')?.spanID),
    chain.slice(0, 2).map(({ spanID }) => spanID),
  );
  t.log(`${traceId}: ${chain.map(({ operationName }) => operationName).join(' → ')}`);
  const names = new Set((await metricsOf(prometheus)).match(/^tandem_\w+/gm));
  t.log(`in Prometheus: ${[...names].join(' ')}`);
}

function start(
  t: ExecutionContext,
  program: string,
  args: string[],
  env: Record<string, string>,
): ChildProcess {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.on('data', (piece: Buffer) => said.push(piece.toString()));
  t.teardown(() => {
    if (!t.passed) t.log(said.join('').split('\n').slice(-20).join('\n'));
    child.kill('SIGKILL');
  });
  return child;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function metricsOf(prometheus: string): Promise<string> {
  return (await fetch(`http://${prometheus}/metrics`)).text();
}

async function traceIn(query: string, traceId: string): Promise<JaegerTrace | undefined> {
  const response = await fetch(`http://${query}/api/traces/${traceId}`);
  if (!response.ok) return undefined;
  const { data } = (await response.json()) as { data?: JaegerTrace[] };
  return data?.[0];
}
