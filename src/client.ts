/**
 * The entry of `tandem-sync/client`: a space in a browser, or in anything else that has `fetch`.
 *
 *     const state = follow({ url: '/tandem', space: 'trading' });
 *     state.watch('strategy/*', ({ key, value, freshness }) => …);
 */
export { follow } from './client/follow.ts';
export type { AnyKey, Client, WaitOptions } from './client/client.ts';
export { ClientError } from './client/client-error.ts';
export type { ClientTime } from './client/client-time.ts';
export type { ClientOptions, HeaderValues } from './client/options.ts';
export type { AnyReading, ReadingOf, WatchedBy } from './state/any-reading.ts';
export type { Definition, KeyOf, PatternOf, ValueOf } from './state/definition.ts';
export type { Mode } from './state/mode.ts';
export type { Freshness, OwnerState, Reading, Source } from './state/reading.ts';
