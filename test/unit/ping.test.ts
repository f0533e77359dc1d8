/** The supervision of a connection by pings, on fake time. */
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import { unavailable } from '../../src/redis/errors.ts';
import { Ping } from '../../src/redis/ping.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

function setTheStage(answer: () => Promise<void> = () => Promise.resolve()) {
  const time = new FakeTime();
  const askedAt: number[] = [];
  const failures: string[] = [];
  const ask = (): Promise<void> => {
    askedAt.push(time.now());
    return answer();
  };
  const ping = new Ping(time, ask, ({ code }) => failures.push(code));
  return { time, ping, askedAt, failures };
}

test('where nothing comes, the server is asked every 200 ms', async (t) => {
  const { time, askedAt, failures } = setTheStage();
  await time.advance(650);
  t.deepEqual(askedAt, [200, 400, 600]);
  t.deepEqual(failures, []);
});

test('what comes is as good as an answer', async (t) => {
  const { time, ping, askedAt } = setTheStage();
  for (let at = 0; at < 20; at += 1) {
    await time.advance(50);
    ping.heard();
  }
  t.deepEqual(askedAt, []);
  await time.advance(200);
  t.deepEqual(askedAt, [1_200]);
});

test('without an answer the connection is given up', async (t) => {
  const { time, askedAt, failures } = setTheStage(() => Promise.reject(unavailable('out')));
  await time.advance(1_000);
  t.deepEqual(askedAt, [200]);
  t.deepEqual(failures, ['REDIS_UNAVAILABLE']);
});

test('a server that is busy or loads is alive', async (t) => {
  const notReady = new TandemError('REDIS_NOT_READY', 'LOADING');
  const { time, askedAt, failures } = setTheStage(() => Promise.reject(notReady));
  await time.advance(650);
  t.deepEqual(askedAt, [200, 400, 600]);
  t.deepEqual(failures, []);
});

test('after the end nothing is asked, also where an answer was waited for', async (t) => {
  let answer = (): void => {};
  const { time, ping, askedAt } = setTheStage(() => new Promise((resolve) => (answer = resolve)));
  await time.advance(200);
  ping.end();
  answer();
  await time.advance(1_000);
  t.deepEqual(askedAt, [200]);
  t.is(time.pending, 0);
});
