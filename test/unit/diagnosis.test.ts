/** The diagnosis around an outage of Redis: nobody is blamed for what follows from it. */
import test from 'ava';
import { diagnosisOf } from '../../src/http/diagnosis.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { fakeTime, memoryServer } from '../../src/testing.ts';

const space = defineSpace('blame', { key: json<number>() });

test('after an outage of Redis an owner has a second to give a sign, and is blamed only then', async (t) => {
  const [server, time] = [memoryServer(), fakeTime()];
  const owning = connect({ store: server, time, name: 'owner', log: false });
  const following = connect({ store: server, time, name: 'api', log: false });
  t.teardown(() => Promise.all([owning.stop(), following.stop()]));
  owning.own(space).set('key', 1);
  following.follow(space);
  const follower = following.get(space)!;
  await time.advance(1_000);
  const headline = (): string => diagnosisOf(follower).headline;
  t.is(headline(), 'all-well');
  server.cut('owner');
  server.cut('api');
  await time.advance(10_000);
  t.is(headline(), 'redis-out');

  // The owner does not come back with Redis.
  server.restore('api');
  const said: string[] = [];
  for (let passed = 0; passed < 3_000; passed += 50) {
    await time.advance(50);
    if (said.at(-1) !== headline()) said.push(headline());
  }
  t.deepEqual(
    said.filter((one) => one !== 'redis-out'),
    ['catching-up', 'owner-gone'],
  );
  server.restore('owner');
  await time.advance(2_000);
  t.is(headline(), 'all-well');
});

test('where Redis was well all the time, a silent owner is blamed at once', async (t) => {
  const [server, time] = [memoryServer(), fakeTime()];
  const owning = connect({ store: server, time, name: 'owner', log: false });
  const following = connect({ store: server, time, name: 'api', log: false });
  t.teardown(() => Promise.all([owning.stop(), following.stop()]));
  owning.own(space).set('key', 1);
  following.follow(space);
  const follower = following.get(space)!;
  await time.advance(1_000);
  server.cut('owner');
  await time.advance(800);
  t.is(diagnosisOf(follower).headline, 'owner-silent');
  await time.advance(3_000);
  t.is(diagnosisOf(follower).headline, 'owner-gone');
});
