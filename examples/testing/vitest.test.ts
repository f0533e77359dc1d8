/** npx vitest run */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect } from 'tandem-sync';
import { fakeTime, memoryServer } from 'tandem-sync/testing';
import { prices, pricesApi } from './prices.ts';

test('what the API says when the owner dies', async () => {
  const [server, time] = [memoryServer(), fakeTime()];
  const answer = pricesApi(connect({ store: server, time, name: 'api' }));
  connect({ store: server, time, name: 'trader' }).own(prices).set('price/BTC', 60_000);
  await time.advance(100);
  expect(answer('BTC')).toEqual({ status: 200, body: { price: 60_000, quality: 'live' } });
  server.cut('trader');
  await time.advance(5_000);
  expect(answer('BTC')).toEqual({ status: 503, body: { price: 60_000, quality: 'owner dead' } });
});

describe("with Vitest's fake timers", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('what the API says when the owner dies', async () => {
    const server = memoryServer();
    const answer = pricesApi(connect({ store: server, name: 'api' }));
    const trader = connect({ store: server, name: 'trader' });
    const owner = trader.own(prices);
    await owner.ready();
    owner.set('price/BTC', 60_000);
    await vi.advanceTimersByTimeAsync(100);
    expect(answer('BTC')).toEqual({ status: 200, body: { price: 60_000, quality: 'live' } });
    server.cut('trader');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(answer('BTC')).toEqual({ status: 200, body: { price: 60_000, quality: 'stale' } });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(answer('BTC')).toEqual({ status: 503, body: { price: 60_000, quality: 'owner dead' } });
  });

  test('a process that stops in good order leaves nothing behind', async () => {
    const trader = connect({ store: memoryServer(), name: 'trader' });
    trader.own(prices).set('price/BTC', 60_000);
    expect(await trader.stop()).toEqual({ uncommitted: [] });
    expect(vi.getTimerCount()).toBe(0);
  });
});
