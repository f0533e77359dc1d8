/** A small application: a process owns prices, and another one answers for them. */
import { defineSpace, json } from 'tandem-sync';
import type { Tandem } from 'tandem-sync';

export const prices = defineSpace('prices', { 'price/*': json<number>() });

/** The answer of the API for one symbol. */
export interface Answer {
  readonly status: number;
  readonly body: { readonly price?: number; readonly quality: 'live' | 'stale' | 'owner dead' | 'unknown' };
}

/** The API: it follows the prices, and says with each one how far it can be trusted. */
export function pricesApi(tandem: Tandem): (symbol: string) => Answer {
  const state = tandem.follow(prices);
  return (symbol) => {
    const { value: price, freshness, owner } = state.get(`price/${symbol}`);
    if (price === undefined) return { status: 404, body: { quality: 'unknown' } };
    if (owner === 'lost') return { status: 503, body: { price, quality: 'owner dead' } };
    return { status: 200, body: { price, quality: freshness } };
  };
}
