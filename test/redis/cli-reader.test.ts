/** The rules that `tandem-sync acl` prints are enough for the commands that ask a Redis. */
import { Redis } from 'ioredis';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { aclLine, applyLine } from '../_acl.ts';
import { called } from '../_console.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';

const space = defineSpace('trading', { 'key/*': json() });

onRealServer('a reader may call each command but import, and an owner may import', async (t) => {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'trader-1' });
  const admin = new Redis(redis.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const owner = owning.own(space);
  owner.set('key/a', 1);
  await owner.flush();
  const url = await listen(t, new Koa().use(statusRouter(owning).routes()));
  await applyLine(admin, aclLine('reader', '--space', '*'));
  await applyLine(admin, aclLine('owner', '--space', 'copy'));
  const as = (user: string) => ['--redis', `redis://tandem-${user}:word@127.0.0.1:${redis.port}`];
  for (const args of [
    ['ls'],
    ['get', 'trading'],
    ['top', '--count', '1'],
    ['diff', 'trading', '--url', url],
    ['doctor'],
    ['export', 'trading'],
  ]) {
    const { code, err } = await called([...args, ...as('reader')]);
    t.deepEqual([code, err], [0, ''], args.join(' '));
  }
  const { out } = await called(['export', 'trading', ...as('reader')]);
  const input = async function* () {
    yield out;
  };
  const refused = await called(['import', 'copy', ...as('reader')], { input });
  t.is(refused.code, 1);
  t.regex(refused.err, /NOPERM/);
  t.deepEqual(
    await called(['import', 'copy', '--json', ...as('owner')], { input }).then(({ code, err }) => [
      code,
      err,
    ]),
    [0, ''],
  );
});
