/** node --test node.test.ts */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'tandem-sync';
import { fakeTime, memoryServer } from 'tandem-sync/testing';
import { prices, pricesApi } from './prices.ts';

test('what the API says when the owner dies', async () => {
  const [server, time] = [memoryServer(), fakeTime()];
  const answer = pricesApi(connect({ store: server, time, name: 'api' }));
  connect({ store: server, time, name: 'trader' }).own(prices).set('price/BTC', 60_000);
  await time.advance(100);
  assert.deepEqual(answer('BTC'), { status: 200, body: { price: 60_000, quality: 'live' } });
  server.cut('trader');
  await time.advance(2_000);
  assert.deepEqual(answer('BTC'), { status: 200, body: { price: 60_000, quality: 'stale' } });
  await time.advance(2_000);
  assert.deepEqual(answer('BTC'), { status: 503, body: { price: 60_000, quality: 'owner dead' } });
});

test('a standby takes over', async () => {
  const [server, time] = [memoryServer(), fakeTime()];
  const answer = pricesApi(connect({ store: server, time, name: 'api' }));
  connect({ store: server, time, name: 'first' }).own(prices).set('price/BTC', 60_000);
  await time.advance(100);
  const standby = connect({ store: server, time, name: 'second' }).own(prices, { standby: true });
  await time.advance(100);
  server.cut('first');
  await time.advance(5_000);
  standby.set('price/BTC', 61_000);
  await time.advance(100);
  assert.deepEqual(answer('BTC'), { status: 200, body: { price: 61_000, quality: 'live' } });
});

test('Redis loses everything, and the owner writes it anew', async () => {
  const [server, time] = [memoryServer(), fakeTime()];
  connect({ store: server, time, name: 'trader' }).own(prices).set('price/BTC', 60_000);
  await time.advance(1_000);
  server.loseAll();
  await time.advance(2_000);
  const answer = pricesApi(connect({ store: server, time, name: 'late' }));
  await time.advance(100);
  assert.equal(answer('BTC').body.quality, 'live');
});
