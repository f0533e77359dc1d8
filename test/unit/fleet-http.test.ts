/** `GET /fleet` of a process on a memory server, by a fake time. */
import test from 'ava';
import Koa from 'koa';
import type { FleetMember } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import type { StatusOptions } from '../../src/koa.ts';
import { statusRouter } from '../../src/koa.ts';
import { kit, trading } from '../_kit.ts';
import { listen } from '../_listen.ts';
import { until } from '../_wait.ts';

interface Answer {
  readonly status: number;
  readonly body: {
    readonly isWell: boolean;
    readonly registration: string;
    readonly counts: Record<string, number>;
    readonly members: FleetMember[];
    readonly self: FleetMember[];
    readonly others: { readonly count: number; readonly notWell: number };
    readonly code: string;
    readonly problem?: { readonly code: string };
  };
}

async function served(t: Parameters<typeof listen>[0], options: StatusOptions = {}) {
  const { server, time, join } = kit(t);
  const trader = join('trader');
  trader.own(trading).set('regime', 'bull');
  trader.own(defineSpace('secret', { 'key/*': json() }));
  const api = join('api');
  api.follow(trading);
  join('other').follow(trading);
  await time.advance(3_000);
  const origin = await listen(t, new Koa().use(statusRouter(api, options).routes()));
  const ask = async (path = '/fleet', headers: Record<string, string> = {}): Promise<Answer> => {
    const answers: Answer[] = [];
    const asking = async (): Promise<void> => {
      const response = await fetch(`${origin}${path}`, { headers });
      answers.push({ status: response.status, body: (await response.json()) as Answer['body'] });
    };
    const asked = asking();
    // The request arrives in real time, and Redis answers in the fake one.
    await until(async () => {
      await time.advance(1);
      return answers.length > 0;
    }, 'an answer');
    await asked;
    return answers[0]!;
  };
  return { server, time, ask };
}

const shortly = ({ body }: Answer): string[] =>
  body.members.map(({ name, space, standing }) => `${name} ${space} ${standing}`);

test('all processes are listed, worst first, as far as is wanted', async (t) => {
  const { server, time, ask } = await served(t);
  const all = await ask();
  t.is(all.status, 200);
  t.true(all.body.isWell);
  t.is(all.body.registration, 'registered');
  t.deepEqual(shortly(all), [
    'trader secret well',
    'trader trading well',
    'api trading well',
    'other trading well',
  ]);
  server.cut('other');
  await time.advance(6_000);
  const worst = await ask('/fleet?limit=1&space=trad*');
  t.deepEqual(shortly(worst), ['other trading silent']);
  t.like(worst.body, { isWell: false, others: { count: 2, notWell: 0 } });
  t.like(worst.body.counts, { silent: 1, well: 2 });
  t.deepEqual(shortly(await ask('/fleet?space=none')), []);
  for (const query of ['limit=0', 'limit=x', 'limit=10001', 'limit=1&limit=2', 'space=', 'space=a%20b'])
    t.like(await ask(`/fleet?${query}`), { status: 400, body: { code: 'INVALID_PARAMETER' } }, query);
});

test('where Redis does not answer, it says what it knows of itself', async (t) => {
  const { server, time, ask } = await served(t);
  server.cut('api');
  await time.advance(2_000);
  const { status, body } = await ask();
  t.is(status, 503);
  t.is(body.code, 'REDIS_UNAVAILABLE');
  t.is(body.self.length, 1);
  t.like(body.self[0], { name: 'api', standing: 'stale', mode: 'degraded' });
  const partial = await ask('/fleet?partial');
  t.is(partial.status, 200);
  t.like(partial.body, { isWell: false, problem: { code: 'REDIS_UNAVAILABLE' } });
  t.deepEqual(shortly(partial), ['api trading stale']);
});

test('only the spaces are listed that the request may read', async (t) => {
  const { ask } = await served(t, {
    authorize: (ctx, { space }) => ctx.get('Authorization') !== '' && space === 'trading',
  });
  const some = await ask('/fleet', { Authorization: 'Bearer x' });
  t.deepEqual(shortly(some), ['trader trading well', 'api trading well', 'other trading well']);
  t.is(some.body.counts.well, 3);
  t.deepEqual(shortly(await ask()), []);
});
