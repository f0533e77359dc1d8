/** The README, as a newcomer uses it: its files are run against a real Redis. `readme.test.ts` compiles them. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { DocsProject, filesOf } from '../_docs-project.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const files = filesOf('README.md');

test('the first two commands of the README are npm start and npm test', (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, block] = /^```sh\n([^]*?)^```/m.exec(readme)!;
  t.deepEqual(
    block!
      .trim()
      .split('\n')
      .map((line) => line.split('#')[0]!.trim()),
    ['npm start', 'npm test'],
  );
});

test('the README has an owner, a follower, and what they share', (t) => {
  t.deepEqual([...files.keys()], ['space.ts', 'owner.ts', 'follower.ts']);
  for (const name of ['owner.ts', 'follower.ts'])
    for (const part of ['import ', ".on('error'", '.ready(', '.stop('])
      t.true(files.get(name)!.includes(part), `${name}: ${part}`);
});

onRealServer(
  'the files of the README run: the follower shows what the owner set, and both stop well',
  async (t) => {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    const project = new DocsProject(t, files);
    const env = { REDIS_URL: redis.url };
    const owner = project.start(process.execPath, 'owner.ts', env);
    await until(() => /committed in Redis: \d+-\d+\n/.test(owner.printed()), 'the commit');
    const follower = project.start(process.execPath, 'follower.ts', env);
    await until(() => /the regime is bull live \d+/.test(follower.printed()), 'the regime');
    t.deepEqual([await owner.stop(), await follower.stop()], [0, 0]);
    t.notRegex(owner.printed() + follower.printed(), /rror|REDIS/);
  },
);
