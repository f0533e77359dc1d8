/** What an outage is called: by a trace that has crossed it, and where the direct path fails as well. */
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { freePort } from '../_free-port.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();
/** For so long Redis is out, ms. */
const OUT_MS = 600;
const TOKEN = 'a token that nobody may read';

async function start(
  t: ExecutionContext,
  options: { readonly direct?: { url: string; token: string } } = {},
) {
  const server = await RedisServer.start();
  const proxy = await FaultProxy.start(server.port);
  const trading = connect({ redis: server.url, name: 'trading-1', log: false });
  const api = connect({ redis: proxy.url, name: 'api-1', log: false });
  t.teardown(async () => {
    await Promise.all([trading.stop({ timeoutMs: 100 }), api.stop()]);
    await proxy.stop();
    await server.stop();
  });
  const space = defineSpace(t.title.replaceAll(/\W+/g, '-').slice(0, 40), { 'key/*': json() });
  const owner = trading.own(space);
  const follower = api.follow(space, options);
  await Promise.all([owner.ready(), follower.ready()]);
  owner.set('key/a', 0);
  await follower.waitFor(await owner.flush());
  return { server, proxy, api, owner, follower, space: space.name };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

onRealServer('the trace of a change that Redis held up shows the outage', async (t) => {
  const { server, owner, follower, space } = await start(t);
  await server.kill();
  await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'the outage');
  telemetry.in('decide', () => owner.set('key/a', 1));
  await pause(OUT_MS);
  await server.restart();
  await follower.waitFor(owner.head, { timeoutMs: 5_000 });
  await owner.flush();
  const outage = telemetry.spans
    .filter(
      ({ name, attributes }) =>
        name === `commit ${space}` && attributes['tandem.commit.outcome'] === 'committed',
    )
    .flatMap(({ events }) => events)
    .find(({ name }) => name === 'tandem.outage');
  t.regex(
    String(outage?.attributes?.['tandem.outage.summary']),
    /^Redis was out for this owner from 2\S+Z to 2\S+Z: /,
  );
  t.true((outage!.attributes!['tandem.outage.duration_ms'] as number) >= OUT_MS - 5);
});

onRealServer(
  'where the direct path fails as well, reason and diagnosis name it, without its token',
  async (t) => {
    const direct = { url: `http://127.0.0.1:${await freePort()}`, token: TOKEN };
    const { server, api, follower } = await start(t, { direct });
    const app = new Koa();
    app.use(statusRouter(api).routes());
    const url = await listen(t, app);
    await server.kill();
    const failed = /the direct path has failed: the owner cannot be reached: .*ECONNREFUSED/;
    await until(() => failed.test(follower.reason), 'the direct path');
    t.is(follower.mode, 'degraded');
    t.regex(follower.reason, /^[^;]+; the direct path has failed/);
    const ready = await (await fetch(`${url}/readyz?verbose`)).text();
    const [told] = (JSON.parse(ready) as { spaces: { summary: string; reason: string }[] }).spaces;
    t.regex(told!.summary, /^Redis is out\..* And the direct path has failed: the owner cannot be reached/);
    t.regex(told!.reason, failed);
    t.false(ready.includes(TOKEN));
    await server.restart();
    await until(() => follower.mode === 'connected', 'Redis');
    t.notRegex(follower.reason, /direct path/);
  },
);
