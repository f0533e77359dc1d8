/** npx ava ava.test.ts */
import test from 'ava';
import { connect } from 'tandem-sync';
import { fakeTime, memoryServer } from 'tandem-sync/testing';
import { prices, pricesApi } from './prices.ts';

test('what the API says when the owner dies', async (t) => {
  const [server, time] = [memoryServer(), fakeTime()];
  const answer = pricesApi(connect({ store: server, time, name: 'api' }));
  connect({ store: server, time, name: 'trader' }).own(prices).set('price/BTC', 60_000);
  await time.advance(100);
  t.deepEqual(answer('BTC'), { status: 200, body: { price: 60_000, quality: 'live' } });
  server.cut('trader');
  await time.advance(5_000);
  t.deepEqual(answer('BTC'), { status: 503, body: { price: 60_000, quality: 'owner dead' } });
});
