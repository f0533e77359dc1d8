/**
 * The programs of `docs/recipes.md`, compiled, and run against a real Redis. Those for Express and Fastify are run
 * by `test/frameworks`, which installs both.
 */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Tandem } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { DocsProject, filesOf } from '../_docs-project.ts';
import { onPath } from '../_on-path.ts';
import { LONGEST_TEST_MS, onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const files = filesOf('docs/recipes.md');
const node = process.execPath;
const python = onPath('python3');
const space = defineSpace('trading', { '*': json() });

/** A module that is loaded again is told from the first one by its address. */
const RELOADED = `
import * as first from './instance.ts';
const again: typeof first = await import('./instance.ts?again' as string);
console.log('another module:', again.instance !== first.instance);
console.log('one instance:', again.instance() === first.instance());
const { GET } = await import('./route.ts');
const answer = await GET();
console.log(answer.status, JSON.stringify((await answer.json() as { value: unknown }).value));
await first.instance().tandem.stop();
`;

const SWITCHED = `
import { connect } from 'tandem-sync';
import { fakeTime, memoryServer } from 'tandem-sync/testing';
import { trading } from './space.ts';
import { isAllowed, untilForbidden } from './switch.ts';

const [store, time] = [memoryServer(), fakeTime()];
const owning = connect({ store, time, name: 'trader', log: false });
const api = connect({ store, time, name: 'api', log: false });
const owner = owning.own(trading);
const state = api.follow(trading);
const answers = [isAllowed(state)];
await time.advance(1_000);
answers.push(isAllowed(state));
owner.set('trading_allowed', true);
await time.advance(100);
answers.push(isAllowed(state));
const forbidden = untilForbidden(state);
store.cut('trader');
await time.advance(1_000);
answers.push(isAllowed(state));
await forbidden;
store.restore('trader');
await time.advance(2_000);
answers.push(isAllowed(state));
store.cut('api');
await time.advance(1_000);
answers.push(isAllowed(state));
store.restore('api');
await time.advance(2_000);
answers.push(isAllowed(state));
owner.set('trading_allowed', false);
await time.advance(100);
answers.push(isAllowed(state));
owner.set('trading_allowed', true);
await time.advance(100);
answers.push(isAllowed(state));
const stopped = owning.stop();
await time.advance(100);
await stopped;
answers.push(isAllowed(state));
console.log(answers.join(' '));
await Promise.all([api.stop(), time.advance(1_000)]);
`;

/** A Redis, the recipes beside it, and perhaps a process of the test's own. */
async function begin(t: ExecutionContext, more: Readonly<Record<string, string>> = {}) {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const project = new DocsProject(t, new Map([...files, ...Object.entries(more)]));
  const env = { REDIS_URL: redis.url };
  return {
    start: (program: string, command: string, name = '') =>
      project.start(program, command, { ...env, NAME: name }),
    join: (name: string): Tandem => {
      const tandem = connect({ redis: redis.url, name });
      t.teardown(() => tandem.stop());
      return tandem;
    },
  };
}

test('the recipes compile', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const project = new DocsProject(t, files);
  await t.notThrowsAsync(project.compile([...files.keys()].filter((name) => name.endsWith('.ts'))));
});

test('the switch is on only while a living owner says so and is heard', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const project = new DocsProject(t, new Map([...files, ['switched.ts', SWITCHED]]));
  const switched = project.start(node, 'switched.ts', {});
  t.is(await switched.exited, 0, switched.printed());
  t.is(switched.printed().trim(), 'false false true false true false true false true false');
});

onRealServer(
  'the job sets its keys and exits, and can run again at once, but not beside an owner',
  async (t) => {
    const { start, join } = await begin(t);
    const follower = join('api').follow(space);
    for (const run of ['first', 'second']) {
      const job = start(node, 'job.ts');
      t.is(await job.exited, 0, `${run}: ${job.printed()}`);
      t.is(job.printed(), 'not committed: 0\n');
    }
    await until(() => follower.get('last_run').owner === 'released', 'the end of the job');
    await until(() => follower.get('last_run').freshness === 'stale', 'stale readings');
    t.like(follower.get('strategy/carry').value, { position: -40 });
    const owner = join('trading-1').own(space);
    await owner.ready();
    const refused = start(node, 'job.ts');
    t.is(await refused.exited, 1);
    t.regex(refused.printed(), /OWNED_ELSEWHERE .*"trading-1"[^]*not committed: 3/);
  },
);

onRealServer('a write is forwarded to the owner, and to the next one after its death', async (t) => {
  const { start } = await begin(t);
  const first = start(node, 'leader.ts', 'trading-1');
  await until(() => first.printed().includes('leading'), 'the first leader');
  const second = start(node, 'leader.ts', 'trading-2');
  const before = start(node, 'forward.ts 7');
  t.is(await before.exited, 0, before.printed());
  t.is(before.printed(), 'answered: { position: 7 }\n');
  await first.kill();
  await until(() => second.printed().includes('leading'), 'the second leader', 30_000);
  const after = start(node, 'forward.ts 8');
  t.is(await after.exited, 0, after.printed());
  t.is(after.printed(), 'answered: { position: 8 }\n');
});

onRealServer('a module that is loaded twice has one instance, which a route answers from', async (t) => {
  const { start, join } = await begin(t, { 'reloaded.ts': RELOADED });
  const owner = join('trading-1').own(space);
  owner.set('strategy/momentum', { position: 120 });
  await owner.flush();
  const reloaded = start(node, 'reloaded.ts');
  t.is(await reloaded.exited, 0, reloaded.printed());
  t.is(reloaded.printed(), 'another module: true\none instance: true\n200 {"position":120}\n');
});

onRealServer('the reader in Python shows a space and its changes', async (t) => {
  if (python === undefined) return t.log('skipped: no python3 on the PATH');
  const { start, join } = await begin(t);
  const read = async (): Promise<Shown> => {
    const reader = start(python, 'reader.py');
    t.is(await reader.exited, 0, reader.printed());
    return JSON.parse(reader.printed()) as Shown;
  };
  t.deepEqual(await read(), { state: {}, position: '0-0', owner: null, aliveOwner: false, staleMs: null });
  const tandem = join('trading-1');
  const owner = tandem.own(space);
  owner.set('strategy/momentum', { position: 120, note: 'zwölf €' });
  owner.set('gone', 1);
  owner.delete('gone');
  const position = await owner.flush();
  const first = await read();
  t.like(first, { position, owner: 'trading-1', aliveOwner: true });
  t.deepEqual(first.state, { 'strategy/momentum': { position: 120, note: 'zwölf €' } });
  t.true(first.staleMs! < 3_000, String(first.staleMs));

  const watching = start(python, 'reader.py --watch');
  const shown = (): Shown[] =>
    watching
      .printed()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Shown);
  await until(() => shown().length > 0, 'the first state');
  owner.set('strategy/carry', { position: -40 });
  await until(() => 'strategy/carry' in shown().at(-1)!.state, 'the change');
  // More than one commit takes: it is put in force at once, and settled afterwards.
  owner.batch(() => {
    owner.delete('strategy/carry');
    for (let n = 0; n < 5_000; n += 1) owner.set(`bar/${n}`, n);
  });
  await until(() => 'bar/4999' in shown().at(-1)!.state, 'the large turn');
  for (const { state } of shown()) {
    const bars = Object.keys(state).filter((key) => key.startsWith('bar/')).length;
    t.true(bars === 0 || (bars === 5_000 && !('strategy/carry' in state)), 'the turn is seen whole');
  }
  await watching.kill();
  await tandem.stop();
  t.like(await read(), { aliveOwner: false });
});

interface Shown {
  readonly state: Readonly<Record<string, unknown>>;
  readonly position: string;
  readonly owner: string | null;
  readonly aliveOwner: boolean;
  readonly staleMs: number | null;
}
