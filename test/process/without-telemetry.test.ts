/** Tandem works fully in an application without OpenTelemetry. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/without-api.ts', import.meta.url));

onRealServer('everything works without the OpenTelemetry API', async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [FIXTURE, server.url]);
  t.deepEqual(JSON.parse(stdout), { value: 42 });
  t.is(stderr, '');
});

onRealServer('with the API but no SDK, no observer runs and frames carry no trace data', async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const tandem = connect({ redis: server.url, name: 'alone' });
  t.teardown(() => tandem.stop());
  const owner = tandem.own(defineSpace('space', { key: json<number>() }));
  await owner.ready();
  t.is(tandem.tracer.current(), undefined);
  t.is(tandem.isObserved, false);
});

test('telemetry can be left out', (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1', telemetry: false });
  t.is(tandem.tracer.constructor, Object);
  return tandem.stop();
});
