/** The backlog keeps the newest frames: the oldest are in the keys by the time that these are read. */
import test from 'ava';
import type { Arrival } from '../../src/follower/arrival.ts';
import { Backlog } from '../../src/follower/backlog.ts';

const arrival = (receivedAt: number): Arrival => ({ receivedAt }) as Arrival;

test('beyond its bound in frames, the oldest go', (t) => {
  const backlog = new Backlog();
  for (let n = 0; n < 1_500; n += 1) backlog.add(arrival(n), 10);
  t.is(backlog.size, 1_000);
  t.is(backlog.first?.receivedAt, 500);
});

test('beyond its bound in length, the oldest go, and a frame that leaves makes room', (t) => {
  const backlog = new Backlog();
  const third = 3 * 1024 * 1024;
  for (let n = 0; n < 3; n += 1) backlog.add(arrival(n), third);
  t.is(backlog.first?.receivedAt, 1);
  backlog.shift();
  backlog.add(arrival(3), third);
  t.is(backlog.size, 2);
  t.is(backlog.first?.receivedAt, 2);
  backlog.clear();
  t.is(backlog.first, undefined);
});
